/** Exchanges states with an unmodified v86 from npm, in both directions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { labFirmware, loadLabRuntime, projectFile } from '../../../tools/lab-runtime.ts';
import { labHost } from '../testing/lab-host.ts';
import { type LabRuntime, prepareLab } from '../testing/lab-runtime.ts';
import type { V86Runtime } from '../v86-runtime.ts';

const floppy = projectFile('public/guests/pattern/text.img');
const bare = {
  memoryMiB: 16,
  network: 'none',
  filesystem9p: false,
  virtioConsole: false,
  serialPorts: 1,
} as const;

interface StockV86 {
  add_listener(event: string, listener: (value: never) => void): void;
  run(): Promise<void>;
  stop(): Promise<void>;
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
  destroy(): Promise<void>;
}

let runtime: LabRuntime;
beforeAll(async () => {
  runtime = await loadLabRuntime('v86');
});

/** npm's v86 with the pattern guest, which counts its passes on the serial port. */
async function startStock(memoryMiB = 16) {
  const Stock = runtime.V86 as unknown as new (options: object) => StockV86;
  const wasm = readFileSync(join(import.meta.dirname, '../../../node_modules/v86/build/v86.wasm'));
  const copy = (bytes: Uint8Array) => ({ buffer: bytes.slice().buffer });
  const emulator = new Stock({
    wasm_fn: async (imports: WebAssembly.Imports) =>
      (await WebAssembly.instantiate(wasm, imports)).instance.exports,
    memory_size: memoryMiB << 20,
    vga_memory_size: 8 << 20,
    bios: copy(labFirmware.bios),
    vga_bios: copy(labFirmware.vgaBios),
    fda: copy(floppy),
    net_device: { type: 'none' },
    autostart: false,
    disable_speaker: true,
  });
  let serial = '';
  emulator.add_listener('serial0-output-byte', (byte: number) => {
    serial += String.fromCharCode(byte);
  });
  await new Promise<void>((done) => emulator.add_listener('emulator-ready', () => done()));
  return { emulator, serial: () => serial };
}

const passes = (serial: string) => [...serial.matchAll(/pass (\d+)\r/g)].map(([, n]) => Number(n));

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}

async function startOurs(): Promise<{ machine: V86Runtime; serial: () => string }> {
  const host = labHost({ ...labFirmware, fda: floppy }, bare);
  const machine = (await prepareLab(runtime, host, true)).boot() as V86Runtime;
  return { machine, serial: () => host.serial };
}

describe('a state of v86', () => {
  test('goes from npm’s v86 to a machine, and from there to npm’s v86, and the guest counts on', async () => {
    const { emulator, serial } = await startStock();
    await emulator.run();
    await until(() => passes(serial()).length >= 2);
    await emulator.stop();
    const state = new Uint8Array(await emulator.save_state());
    const last = passes(serial()).at(-1) ?? 0;
    await emulator.destroy();

    const ours = await startOurs();
    ours.machine.loadV86State(state);
    ours.machine.run();
    await until(() => passes(ours.serial()).length >= 2);
    ours.machine.stop();
    const [next] = passes(ours.serial());
    expect(next).toBe(last + 1);
    const ourLast = passes(ours.serial()).at(-1) ?? 0;
    const back = ours.machine.exportV86State();
    ours.machine.destroy();

    const again = await startStock();
    await again.emulator.restore_state(back.buffer);
    await again.emulator.run();
    await until(() => passes(again.serial()).length >= 1);
    await again.emulator.destroy();
    expect(passes(again.serial())[0]).toBe(ourLast + 1);
    expect(again.serial()).not.toContain('BAD');
  }, 120_000);

  test('is refused with a sentence if it is damaged or of another machine, and nothing is touched', async () => {
    const { emulator } = await startStock(32);
    const other = new Uint8Array(await emulator.save_state());
    await emulator.destroy();
    const { machine } = await startOurs();
    const before = machine.save();
    const refused = (bytes: Uint8Array, message: RegExp) =>
      expect(() => machine.loadV86State(bytes)).toThrow(
        expect.objectContaining({
          code: 'wrong-v86-state',
          message: expect.stringMatching(message),
        }),
      );
    refused(other, /32 MiB of RAM, this machine 16 MiB/);
    refused(other.slice(0, -1), /bytes instead of/);
    refused(new Uint8Array(100), /first bytes/);
    refused(new Uint8Array(3), /too short/);
    const own = machine.exportV86State();
    const spoilt = own.slice();
    new DataView(spoilt.buffer).setUint32(12, 0xffff_ffff, true);
    refused(spoilt, /damaged/);
    const bad = new TextDecoder('latin1').decode(own.subarray(16, 4000)).indexOf('buffer_id');
    own[16 + bad + 11] = 0x39;
    refused(own, /damaged|not of such a machine|missing|does not fit/);
    expect(machine.save().length).toBe(before.length);
    machine.destroy();
  }, 120_000);
});
