/** Keys and mouse at v86's own controller, read as a guest reads them: port by port. */
import { beforeAll, describe, expect, it } from 'vitest';
import { bareMachine, labFirmware, loadLabRuntime } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { labHost } from '../testing/lab-host.ts';
import { type LabRuntime, prepareLab } from '../testing/lab-runtime.ts';
import type { V86Runtime } from '../v86-runtime.ts';
import { parsePs2State } from './ps2-state.ts';

interface Ports {
  port_read8(port: number): number;
  port_write8(port: number, value: number): void;
}

const dataPort = 0x60;
const statusPort = 0x64;
const statusFull = 1;
const statusMouse = 0x20;

/** The guest's side of the ports: input arrives when it is read. */
class PortGuest {
  readonly machine: V86Runtime;
  readonly #ports: Ports;

  constructor(machine: V86Runtime) {
    this.machine = machine;
    this.#ports = machine.core.cpu.io as unknown as Ports;
    this.command(0xf4);
    this.toMouse(0xf4);
    this.read();
  }

  /** To the keyboard. */
  command(...bytes: number[]): void {
    for (const byte of bytes) this.#ports.port_write8(dataPort, byte);
  }

  /** To the controller. */
  control(byte: number): void {
    this.#ports.port_write8(statusPort, byte);
  }

  toMouse(byte: number): void {
    this.control(0xd4);
    this.command(byte);
  }

  /** Returns one byte and its source; undefined if no byte waits. */
  readByte(): { byte: number; isMouse: boolean } | undefined {
    this.machine.ps2.pump();
    const status = this.#ports.port_read8(statusPort);
    if ((status & statusFull) === 0) return undefined;
    return { byte: this.#ports.port_read8(dataPort), isMouse: (status & statusMouse) !== 0 };
  }

  /** Returns all waiting bytes. */
  read(): number[] {
    const bytes: number[] = [];
    for (let next = this.readByte(); next; next = this.readByte()) bytes.push(next.byte);
    return bytes;
  }
}

const codes = (...bytes: number[]) => Uint8Array.from(bytes);
const withCode = (code: string) => expect.objectContaining({ code });

describe.each(v86Packages)('npm package %s', (packageName) => {
  let runtime: LabRuntime;

  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
  }, 60_000);

  const boot = async () => {
    const prepared = await prepareLab(runtime, labHost(labFirmware, bareMachine), true);
    return new PortGuest(prepared.boot() as V86Runtime);
  };

  it('[K4] more keys than v86 holds wait for the guest, and arrive all and in order', async () => {
    const guest = await boot();
    const sent = Array.from({ length: 1000 }, (_, i) => [0x02 + (i % 9), 0x82 + (i % 9)]).flat();
    guest.machine.commands.scancodes(Uint8Array.from(sent));
    expect(guest.read()).toEqual(sent);
  });

  it('[K4] more movements and clicks than v86 holds arrive, all and in order', async () => {
    const guest = await boot();
    for (let i = 0; i < 500; i++) {
      guest.machine.commands.mouseDelta(1, 0);
      guest.machine.commands.mouseButtons(i % 2 === 0, false, false);
    }
    const bytes = guest.read();
    expect(bytes).toHaveLength(500 * 2 * 3);
    const moves = bytes.filter((_, i) => i % 3 === 1).reduce((sum, dx) => sum + dx, 0);
    expect(moves).toBe(500);
    const clicks = bytes.filter((_, i) => i % 6 === 3).map((status) => status & 1);
    expect(clicks).toEqual(Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? 1 : 0)));
  });

  it('[K4] a movement too long for a packet arrives whole', async () => {
    const guest = await boot();
    guest.machine.commands.mouseDelta(1000, -300);
    const bytes = guest.read();
    const signed = (at: number) => bytes.filter((_, i) => i % 3 === at).map((b) => (b << 24) >> 24);
    expect(signed(1).reduce((sum, dx) => sum + dx, 0)).toBe(1000);
    expect(signed(2).reduce((sum, dy) => sum + dy, 0)).toBe(-300);
  });

  it('[K4] what is no movement is refused, one without an end has one, and keys come after it', async () => {
    const guest = await boot();
    const { commands } = guest.machine;
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, 'far' as never]) {
      expect(() => commands.mouseDelta(wrong, 0)).toThrow(withCode('bad-command'));
      expect(() => commands.mouseWheel(wrong)).toThrow(withCode('bad-command'));
      expect(() => commands.mouseAbsolute(1, wrong, 640, 480)).toThrow(withCode('bad-command'));
    }
    expect(() => commands.mouseAbsolute(1, 1, 0, 0)).toThrow(withCode('bad-command'));
    for (let i = 0; i < 100; i++) commands.mouseDelta(1e99, -1e99);
    commands.scancodes(codes(0x1e, 0x9e));
    const bytes = guest.read();
    expect(bytes.slice(-2)).toEqual([0x1e, 0x9e]);
    expect(bytes.length).toBeLessThan(4000);
  });

  it('[K4] keys and mouse arrive in the order in which they were used', async () => {
    const guest = await boot();
    const { commands } = guest.machine;
    commands.scancodes(codes(0x1d));
    commands.mouseButtons(true, false, false);
    commands.mouseButtons(false, false, false);
    commands.scancodes(codes(0x9d));
    const from: string[] = [];
    for (let next = guest.readByte(); next; next = guest.readByte())
      from.push(next.isMouse ? 'mouse' : next.byte.toString(16));
    expect(from).toEqual(['1d', ...Array(6).fill('mouse'), '9d']);
  });

  it('[K4] too much is refused whole, by name, and what waits still arrives', async () => {
    const guest = await boot();
    const { commands } = guest.machine;
    commands.scancodes(new Uint8Array(16_000).fill(0x1e));
    expect(() => commands.scancodes(new Uint8Array(1000).fill(0x1f))).toThrow(withCode('busy'));
    expect(guest.read()).toEqual(Array(16_000).fill(0x1e));
  });

  it('[K2] [K4] where no more can wait, pressed keys are still released, once', async () => {
    const guest = await boot();
    const { commands } = guest.machine;
    commands.mouseButtons(true, false, false);
    guest.read();
    commands.scancodes(codes(0x2a));
    commands.scancodes(new Uint8Array(16_384).fill(0x1e));
    expect(() => commands.scancodes(codes(0x30))).toThrow(withCode('busy'));
    commands.scancodes(codes(0xaa));
    expect(() => commands.scancodes(codes(0xaa))).toThrow(withCode('busy'));
    expect(() => commands.scancodes(codes(0x9e, 0x9e))).toThrow(withCode('busy'));
    commands.releaseInput?.();
    expect(guest.read()).toEqual([0x2a, ...Array(16_384).fill(0x1e), 0xaa, 0x9e, 0x08, 0, 0]);
  });

  it('[K4] a call that is larger than the queue is reported', async () => {
    const guest = await boot();
    expect(() => guest.machine.commands.scancodes(new Uint8Array(16_385).fill(0x1e))).toThrow(
      /16385 more\. Send them in smaller parts\./,
    );
  });

  it('[K4] a command to the keyboard throws away no key that the guest has not read', async () => {
    const guest = await boot();
    guest.machine.commands.scancodes(codes(0xe0, 0x48, 0xe0, 0xc8, 0x1e, 0x9e));
    expect(guest.readByte()?.byte).toBe(0xe0);
    // The guest sets the lights in the middle of a key.
    guest.command(0xed, 0x02);
    expect(guest.read()).toEqual([0xfa, 0xfa, 0x48, 0xe0, 0xc8, 0x1e, 0x9e]);
  });

  it('[K4] keys wait for a keyboard that the guest has switched off', async () => {
    const guest = await boot();
    guest.control(0xad);
    guest.machine.commands.scancodes(codes(0x1e, 0x9e));
    expect(guest.read()).toEqual([]);
    guest.control(0xae);
    expect(guest.read()).toEqual([0x1e, 0x9e]);
  });

  it('[K2] pressed and waiting keys are in the vmstate, and can be released after it is loaded', async () => {
    const first = await boot();
    first.machine.commands.scancodes(codes(0x2a, 0xe0, 0x38, 0x1e, 0x9e));
    first.machine.commands.mouseButtons(false, false, true);
    expect([first.readByte()?.byte, first.readByte()?.byte]).toEqual([0x2a, 0xe0]);
    const state = first.machine.save();
    const prepared = await prepareLab(runtime, labHost(labFirmware, bareMachine), true);
    prepared.discard();
    const other = await prepareLab(runtime, labHost(labFirmware, bareMachine), false);
    const machine = other.load(state) as V86Runtime;
    machine.commands.releaseInput?.();
    const bytes: number[] = [];
    const ports = machine.core.cpu.io as unknown as Ports;
    for (;;) {
      machine.ps2.pump();
      if ((ports.port_read8(statusPort) & statusFull) === 0) break;
      bytes.push(ports.port_read8(dataPort));
    }
    // Waiting input comes first; then Alt and Shift go up, and the right button.
    expect(bytes).toEqual([0x38, 0x1e, 0x9e, 0x0a, 0, 0, 0xe0, 0xb8, 0xaa, 0x08, 0, 0]);
    machine.commands.releaseInput?.();
    expect(machine.ps2.pump(), 'nothing is down any more').toBe(false);
  });

  it('[K2] a machine without input has none in its vmstate', async () => {
    const guest = await boot();
    expect(guest.machine.ps2.save()).toBeUndefined();
    guest.machine.commands.scancodes(codes(0x1e, 0x9e));
    guest.read();
    expect(guest.machine.ps2.save()).toBeUndefined();
  });

  it("[K9] Caps Lock of the guest follows the user's before the next letter, and only then", async () => {
    const guest = await boot();
    const { commands } = guest.machine;
    // A guest that has never set its lights is left alone.
    commands.keyboardLocks?.({ caps: true });
    commands.scancodes(codes(0x1e, 0x9e));
    expect(guest.read()).toEqual([0x1e, 0x9e]);
    guest.command(0xed, 0x00);
    guest.read();
    commands.scancodes(codes(0x2a, 0x1e, 0x9e, 0xaa));
    expect(guest.read()).toEqual([0x2a, 0x3a, 0xba, 0x1e, 0x9e, 0xaa]);
    guest.command(0xed, 0x04);
    guest.read();
    commands.scancodes(codes(0x1e, 0x9e, 0x1c, 0x9c));
    expect(guest.read()).toEqual([0x1e, 0x9e, 0x1c, 0x9c]);
    // The user presses it where the guest sees it too: it is not pressed a second time.
    commands.scancodes(codes(0x3a, 0xba));
    commands.keyboardLocks?.({ caps: false });
    commands.scancodes(codes(0x1e, 0x9e));
    expect(guest.read()).toEqual([0x3a, 0xba, 0x1e, 0x9e]);
  });

  it('[K9] Num Lock is corrected before a key of the number pad', async () => {
    const guest = await boot();
    guest.command(0xed, 0x00);
    guest.read();
    guest.machine.commands.keyboardLocks?.({ caps: false, num: true });
    guest.machine.commands.scancodes(codes(0x1e, 0x9e, 0x4f, 0xcf));
    expect(guest.read()).toEqual([0x1e, 0x9e, 0x45, 0xc5, 0x4f, 0xcf]);
  });

  const capsLock = { caps: true, key: 0x3a, letter: 0x1e, light: 4 };
  const numLock = { num: true, key: 0x45, letter: 0x4f, light: 2 };

  describe.each([
    ['Caps Lock', capsLock],
    ['Num Lock', numLock],
  ])(
    '[K9] %s changes faster than the guest sets its lights',
    (_, { key, letter, light, ...on }) => {
      const [name] = Object.keys(on) as ['caps' | 'num'];
      const [press, release] = [key, key | 0x80];
      const stroke = [letter, letter | 0x80];
      const corrected = [press, release, ...stroke];

      /** Its lights are off, and known. */
      const bootWithLights = async () => {
        const guest = await boot();
        guest.command(0xed, 0x00);
        guest.read();
        const type = (isOn: boolean) => {
          guest.machine.commands.keyboardLocks?.({ [name]: isOn });
          guest.machine.commands.scancodes(codes(...stroke));
        };
        return { guest, type };
      };

      it('an answer that comes late is none to the press that is on its way', async () => {
        const { guest, type } = await bootWithLights();
        type(true);
        expect(guest.read()).toEqual(corrected);
        type(false);
        // The second press waits in the controller while the first one is answered.
        guest.command(0xed);
        expect(guest.readByte()?.byte).toBe(0xfa);
        guest.machine.ps2.pump();
        guest.command(light);
        expect(guest.read().filter((byte) => byte !== 0xfa)).toEqual(corrected);
        type(true);
        expect(guest.read()).toEqual(corrected);
        guest.command(0xed, 0x00);
        guest.command(0xed, light);
        guest.read();
        type(true);
        expect(guest.read()).toEqual(stroke);
      });

      it('an answer that comes late is none to the press that was read meanwhile', async () => {
        const { guest, type } = await bootWithLights();
        for (const isOn of [true, false]) {
          type(isOn);
          expect(guest.read()).toEqual(corrected);
        }
        guest.command(0xed, light);
        guest.read();
        type(false);
        expect(guest.read()).toEqual(stroke);
        type(true);
        expect(guest.read()).toEqual(corrected);
        for (const lights of [0x00, light]) {
          guest.command(0xed, lights);
          guest.read();
          type(true);
          expect(guest.read()).toEqual(stroke);
        }
      });

      it('the light of another lock, Scroll Lock too, answers nothing', async () => {
        const { guest, type } = await bootWithLights();
        type(true);
        expect(guest.read()).toEqual(corrected);
        guest.machine.commands.scancodes(codes(0x46, 0xc6));
        expect(guest.read()).toEqual([0x46, 0xc6]);
        for (const other of [1, 7 & ~light]) {
          guest.command(0xed, other);
          guest.read();
          type(true);
          expect(guest.read()).toEqual(stroke);
        }
        guest.command(0xed, light | 1);
        guest.read();
        type(true);
        expect(guest.read()).toEqual(stroke);
      });

      it('a guest that does not answer any more is still followed', async () => {
        const { guest, type } = await bootWithLights();
        for (const isOn of [true, false, true, false]) {
          type(isOn);
          expect(guest.read()).toEqual(corrected);
          type(isOn);
          expect(guest.read()).toEqual(stroke);
        }
      });

      it('lights that the guest sets by itself count once all presses had their time', async () => {
        const { guest, type } = await bootWithLights();
        type(true);
        type(false);
        expect(guest.read()).toEqual([...corrected, ...corrected]);
        for (let i = 0; i < 2000; i++) guest.machine.ps2.pump();
        guest.command(0xed, light);
        guest.read();
        type(false);
        expect(guest.read()).toEqual(corrected);
      });

      it('waiting keys arrive with the lights at the time of typing', async () => {
        const { guest, type } = await bootWithLights();
        guest.control(0xad);
        for (const isOn of [true, false, false, true]) type(isOn);
        guest.control(0xae);
        expect(guest.read()).toEqual([...corrected, ...corrected, ...stroke, ...corrected]);
      });

      it('the vmstate has what is not answered, and what the lights were for keys that wait', async () => {
        const { guest, type } = await bootWithLights();
        type(true);
        type(false);
        expect(guest.read()).toEqual([...corrected, ...corrected]);
        guest.control(0xad);
        for (const isOn of [true, false]) type(isOn);
        const state = parsePs2State(guest.machine.ps2.save() ?? new Uint8Array());
        guest.machine.ps2.load(state);
        guest.control(0xae);
        guest.command(0xed, light);
        expect(guest.read().filter((byte) => byte !== 0xfa)).toEqual([...corrected, ...corrected]);
        guest.command(0xed, 0x00);
        guest.read();
        type(false);
        expect(guest.read()).toEqual(stroke);
      });
    },
  );
});
