/** A guest from another machine, in a machine that has neither its firmware nor its kernel. */
import { beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { labFirmware, loadLabRuntime, projectFile } from '../../tools/lab-runtime.ts';
import { slowTimeout } from '../../tools/slow-timeout.ts';
import { v86Packages } from '../../tools/v86-versions.ts';
import { blockOf } from './core/blocks.ts';
import { yieldToEventLoop } from './core/yield-to-event-loop.ts';
import { quiesce } from './disks/quiesce.ts';
import { type LabHost, labHost } from './testing/lab-host.ts';
import { type LabRuntime, prepareLab } from './testing/lab-runtime.ts';
import type { V86Runtime } from './v86-runtime.ts';

const images = { ...labFirmware, bzImage: projectFile('public/guests/linux/bzImage') };
const config = { memoryMiB: 64, cmdline: 'console=ttyS0' };

let runtime: LabRuntime;
/** The guest as it was saved, and its memory. */
let saved: { vmstate: Uint8Array; host: LabHost };
const asked: string[] = [];

/** A machine of the same configuration, whose images are on a server. */
function elsewhere(): LabHost {
  const host = labHost(images, config);
  host.kept.clear();
  return host;
}

const guestMemory = (host: LabHost) => {
  const { address } = blockOf(host, 'pc.ram');
  return new Uint8Array(
    host.memory.buffer,
    address,
    blockOf(host, 'runtime.parked').address - address,
  );
};

const isZero = (bytes: Uint8Array) =>
  new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8).every((word) => word === 0n);

const prepare = (host: LabHost) => prepareLab(runtime, host, true, { incoming: true });

/** Copies a guest's memory, without the data of v86's allocator before and after it. */
function copyGuest(from: LabHost, to: LabHost): void {
  for (const [name, bytes] of [
    ['pc.ram', config.memoryMiB << 20],
    ['vga.vram', 8 << 20],
    ['vga.planes', blockOf(from, 'vga.planes').sizeBytes],
  ] as const) {
    const start = blockOf(from, name).address + (name === 'vga.planes' ? 0 : 4096);
    new Uint8Array(to.memory.buffer).set(new Uint8Array(from.memory.buffer, start, bytes), start);
  }
}

async function restoreGuest(host: LabHost): Promise<V86Runtime> {
  const prepared = await prepare(host);
  copyGuest(saved.host, host);
  return prepared.load(saved.vmstate) as V86Runtime;
}

beforeAll(async () => {
  runtime = await loadLabRuntime(v86Packages[0] as string);
  const host = labHost(images, config);
  const first = (await prepareLab(runtime, host, true)).boot() as V86Runtime;
  while (((first.core.cpu.cr[0] ?? 0) & (1 << 31)) === 0) first.core.step();
  saved = { vmstate: first.save(), host };
}, 60_000);

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url);
    return new Response(images[url.replace('kept:', '') as keyof typeof images]);
  });
  return () => vi.unstubAllGlobals();
});

it('is made in the guest’s memory without a byte in guest RAM, and given back without a trace', async () => {
  const host = elsewhere();
  const prepared = await prepare(host);
  expect(isZero(guestMemory(host).subarray(4096, config.memoryMiB << 20))).toBe(true);
  expect(isZero(new Uint8Array(host.scratch.buffer))).toBe(true);
  prepared.discard();
  expect(isZero(new Uint8Array(host.memory.buffer))).toBe(true);
});

it('brings the guest back without its kernel, which a reset fetches', async () => {
  const host = elsewhere();
  const machine = await restoreGuest(host);
  machine.run();
  const { instruction_counter: counter, mem8 } = machine.core.cpu;
  const before = counter[0];
  await vi.waitUntil(() => counter[0] !== before, slowTimeout);
  expect(asked).not.toContain('kept:bzImage');

  mem8.fill(0, 0x100000, 0x200000);
  machine.commands.reset();
  expect(await Promise.race([machine.quiesce(), 'the guest waits'])).toBe('the guest waits');
  await machine.quiesce();
  machine.stop();
  expect(asked).toContain('kept:bzImage');
  const setupBytes = ((images.bzImage[0x1f1] ?? 4) + 1) * 512;
  const kernel = images.bzImage.subarray(setupBytes, setupBytes + 65536);
  expect(Buffer.from(mem8.subarray(0x100000, 0x110000)).equals(Buffer.from(kernel))).toBe(true);
  expect(mem8[0xffff0], "the reset vector is not the firmware's").toBe(0xea);
  const areas = machine.memoryAreas().map(({ name }) => name);
  expect(areas).toEqual(expect.arrayContaining(['pc.bios', 'vga.rom']));
  expect(areas.find((name) => name.startsWith('fw_cfg'))).toBeDefined();
  expect(host.crash).toBeUndefined();
  machine.destroy();
});

it('lists firmware and loader of a guest that was never reset, once they are asked for', async () => {
  const machine = await restoreGuest(elsewhere());
  await machine.bringBootImages();
  const areas = machine.memoryAreas().map(({ name }) => name);
  expect(areas).toEqual(expect.arrayContaining(['pc.bios', 'vga.rom']));
  expect(areas.find((name) => name.startsWith('fw_cfg'))).toBeDefined();
  machine.destroy();
});

it('a guest whose kernel is not available runs on, until it boots again', async () => {
  vi.stubGlobal('fetch', async () => new Response(null, { status: 404 }));
  const host = elsewhere();
  const machine = await restoreGuest(host);
  machine.run();
  const { instruction_counter: counter } = machine.core.cpu;
  const before = counter[0];
  await vi.waitUntil(() => counter[0] !== before, slowTimeout);
  expect(host.crash).toBeUndefined();
  machine.commands.reset();
  await vi.waitUntil(() => host.crash !== undefined, slowTimeout);
  expect(host.crash).toMatchObject({ code: 'image-unavailable' });
  machine.destroy();
});

it('[S4] a guest whose kernel is away when it boots again waits for it, and reports it', async () => {
  const host = elsewhere();
  const machine = await restoreGuest(host);
  const serve = globalThis.fetch;
  let isAway = true;
  let requests = 0;
  vi.stubGlobal('fetch', async (url: string) => {
    if (!isAway) return serve(url);
    if (requests++ % 2 === 0) return new Response(null, { status: 503 });
    throw new TypeError('Failed to fetch');
  });
  machine.run();
  machine.commands.reset();
  await vi.waitUntil(() => requests > 8, slowTimeout);
  const told = () => host.events.filter(({ type }) => type === 'disk');
  expect(told()).toEqual([
    expect.objectContaining({
      device: 'boot',
      state: 'waiting',
      message: expect.stringContaining('kept:'),
    }),
  ]);
  expect(machine.describe()).toContainEqual(told()[0]);
  await expect(quiesce(machine.quiesce(), 1)).rejects.toMatchObject({ code: 'blocked' });
  expect(host.crash).toBeUndefined();

  isAway = false;
  await machine.quiesce();
  expect(told().at(-1)).toMatchObject({ device: 'boot', state: 'ready' });
  const { instruction_counter: counter } = machine.core.cpu;
  const before = counter[0];
  await vi.waitUntil(() => counter[0] !== before, slowTimeout);
  expect(host.crash).toBeUndefined();
  machine.destroy();
});

it('[S4] a guest that goes back in time waits no more for the kernel of its reset', async () => {
  const host = elsewhere();
  const machine = await restoreGuest(host);
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('Failed to fetch');
  });
  machine.run();
  machine.commands.reset();
  await vi.waitUntil(() => host.events.some(({ type }) => type === 'disk'), slowTimeout);
  machine.destroy();
  await machine.quiesce();
  expect(host.events.at(-1)).toMatchObject({ type: 'disk', device: 'boot', state: 'ready' });
  expect(host.crash).toBeUndefined();
});

it('a guest that was saved in its firmware finds its loader', async () => {
  const first = labHost(images, config);
  const machine = (await prepareLab(runtime, first, true)).boot() as V86Runtime;
  machine.core.step();
  const vmstate = machine.save();
  const host = elsewhere();
  const prepared = await prepare(host);
  guestMemory(host).set(guestMemory(first));
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const serve = globalThis.fetch;
  vi.stubGlobal('fetch', (url: string) => answered.then(() => serve(url)));
  const again = prepared.load(vmstate) as V86Runtime;
  const { instruction_counter: counter } = again.core.cpu;
  const before = counter[0];
  again.run();
  again.stop();
  again.run();
  for (let i = 0; i < 10; i++) await yieldToEventLoop();
  expect(counter[0]).toBe(before);
  answer();
  await vi.waitUntil(() => counter[0] !== before, slowTimeout);
  expect(again.core.cpu.option_roms).toHaveLength(1);
  again.destroy();
});
