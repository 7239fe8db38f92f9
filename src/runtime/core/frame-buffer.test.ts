/**
 * The guest's direct way to its frame buffer: each change reaches the picture, and there is nothing
 * behind RAM. The guest's string instructions are called one by one, in 32-bit code without paging.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  bareMachine,
  labFirmware,
  loadLabRuntime,
  projectFile,
} from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { labHost } from '../testing/lab-host.ts';
import { LabGuest, type LabRuntime, Random } from '../testing/lab-runtime.ts';

const frameBuffer = 0xe0000000;
const [width, height] = [1024, 768];
const ramBytes = bareMachine.memoryMiB << 20;
/** Index of a register in v86's `reg32`. */
const registers = { eax: 0, ecx: 1, esi: 6, edi: 7 } as const;
/** The string instructions, with the bytes of an element. */
const stores = { stosb_rep: 1, stosw_rep: 2, stosd_rep: 4 } as const;
const copies = { movsb_rep: 1, movsw_rep: 2, movsd_rep: 4 } as const;

type Access = Partial<Record<keyof typeof registers, number>>;

/** A guest in 1024×768×32 whose processor takes orders. */
class DrawingGuest {
  readonly guest: LabGuest;
  readonly shown = new Uint8Array(width * height * 4);

  private constructor(guest: LabGuest) {
    this.guest = guest;
  }

  static async boot(runtime: LabRuntime): Promise<DrawingGuest> {
    const images = { ...labFirmware, fda: projectFile('public/guests/pattern/graphics.img') };
    const guest = await LabGuest.boot(runtime, labHost(images, bareMachine));
    while (!guest.host.serial.includes('pass 1\r')) await guest.run(200_000);
    const drawing = new DrawingGuest(guest);
    guest.cpu.devices.vga.complete_redraw();
    drawing.picture();
    return drawing;
  }

  get video(): Uint8Array {
    return this.guest.cpu.devices.vga.svga_memory;
  }

  /** Carries out a string instruction. */
  do(name: keyof typeof stores | keyof typeof copies, values: Access): void {
    const { cpu } = this.guest;
    for (const [register, value] of Object.entries(values))
      cpu.reg32[registers[register as keyof typeof registers]] = value;
    const instruction = (cpu.wm.exports as unknown as Record<string, (...args: number[]) => void>)[
      name
    ];
    if (!instruction) throw new Error(`v86 does not export ${name}.`);
    // An instruction ends with each page, and is begun again for the rest.
    while (cpu.reg32[registers.ecx] !== 0)
      if (name in stores) instruction(1);
      else instruction(1, 3);
  }

  /** Returns what pages have been shown, after the next picture. */
  picture(): Uint8Array {
    const { events } = this.guest.host;
    events.length = 0;
    // It sends the changes to the pages that are there, and returns the whole for a new one.
    this.guest.machine.describe();
    for (const event of events)
      if (event.type === 'screen-frame')
        this.shown.set(event.pixels, (event.y * width + event.x) * 4);
    return this.shown;
  }

  /** Returns what is in video memory, as a picture. */
  expected(): Uint8Array {
    const picture = new Uint8Array(width * height * 4);
    for (let at = 0; at < picture.length; at += 4) {
      picture[at] = this.video[at + 2] ?? 0;
      picture[at + 1] = this.video[at + 1] ?? 0;
      picture[at + 2] = this.video[at] ?? 0;
      picture[at + 3] = 255;
    }
    return picture;
  }
}

describe.each(v86Packages)('%s', (packageName) => {
  let runtime: LabRuntime;
  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
  });

  test('each change of the frame buffer reaches the picture', async () => {
    const drawing = await DrawingGuest.boot(runtime);
    expect(equal(drawing.picture(), drawing.expected())).toBe(true);
    const random = new Random(17);
    const bytes = width * height * 4;
    for (let picture = 0; picture < 40; picture++) {
      for (let i = random.below(6); i >= 0; i--) {
        const ecx = 1 + random.below(4000);
        const edi = frameBuffer + random.below(bytes - 4 * ecx);
        const eax = random.below(2 ** 31);
        const [store, copy] = [pick(random, stores), pick(random, copies)];
        const esi = random.below(2) ? frameBuffer + random.below(bytes - 4 * ecx) : 0x8000;
        if (random.below(2)) drawing.do(store, { eax, ecx, edi });
        else drawing.do(copy, { ecx, edi, esi });
      }
      expect(equal(drawing.picture(), drawing.expected()), `picture ${picture}`).toBe(true);
    }
  });

  test('a copy within the frame buffer is one of bytes, and has its overlaps', async () => {
    const drawing = await DrawingGuest.boot(runtime);
    const random = new Random(3);
    for (let i = 0; i < 30; i++) {
      const copy = pick(random, copies);
      const ecx = 1 + random.below(3000);
      const [from, to] = [random.below(20_000), random.below(20_000)];
      const before = drawing.video.slice(0, 40_000);
      drawing.do(copy, { ecx, esi: frameBuffer + from, edi: frameBuffer + to });
      const size = copies[copy];
      for (let element = 0; element < ecx; element++)
        before.copyWithin(to + element * size, from + element * size, from + (element + 1) * size);
      expect(equal(drawing.video.subarray(0, 40_000), before), `copy ${i}`).toBe(true);
    }
  });

  test('there is nothing behind RAM, as in stock v86', async () => {
    const drawing = await DrawingGuest.boot(runtime);
    const { guest } = drawing;
    const { memory } = guest.host;
    const start = guest.cpu.mem8.byteOffset;
    // v86's allocator uses what is between RAM and video memory.
    const slack = Buffer.from(
      memory.buffer,
      start + ramBytes,
      drawing.video.byteOffset - start - ramBytes,
    );
    const picture = Buffer.from(drawing.video);
    for (let address = ramBytes; address < ramBytes + (16 << 20); address += 0x1ffc) {
      drawing.do('movsd_rep', { ecx: 2, esi: address, edi: 0x9000 });
      expect([...guest.memory(0x9000, 8)]).toEqual(Array(8).fill(0xff));
      drawing.do('stosd_rep', { eax: 0x5a5a5a5a, ecx: 2, edi: address });
      // Devices use the same addresses without the TLB.
      expect(guest.cpu.read32s(address)).toBe(-1);
      expect(guest.cpu.read8(address) & 0xff).toBe(0xff);
      guest.cpu.write32(address, 0x5a5a5a5a);
    }
    expect(slack.includes(Buffer.alloc(8, 0x5a))).toBe(false);
    expect(picture.equals(drawing.video)).toBe(true);
  });
});

function pick<Name extends string>(random: Random, from: Record<Name, number>): Name {
  const names = Object.keys(from) as Name[];
  return names[random.below(names.length)] as Name;
}

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
