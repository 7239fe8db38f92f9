/**
 * v86 as npm ships it, in this process: it saves states for this project, and opens this project's.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { V86 } from 'v86';

interface Stock {
  add_listener(event: string, listener: (value: never) => void): void;
  run(): Promise<void>;
  stop(): Promise<void>;
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
  destroy(): Promise<void>;
}

interface StockGuest {
  /** Returns its output on the first serial port. */
  serial(): string;
  /** Stops it, and ends it. */
  save(): Promise<Buffer>;
  end(): Promise<void>;
}

interface StockOptions {
  /** Bytes of the floppy that it boots from. */
  floppy: Uint8Array;
  firmware: string;
  memoryMiB: number;
  /** A state that it resumes. */
  state?: Uint8Array;
  /** As v86 names them. */
  more?: Record<string, unknown>;
}

/** Runs until `enough` is on the serial port. */
export async function stockGuest(
  { floppy, firmware, memoryMiB, state, more = {} }: StockOptions,
  enough: RegExp,
): Promise<StockGuest> {
  const build = dirname(createRequire(import.meta.url).resolve('v86'));
  const image = async (path: string) => ({ buffer: (await readFile(path)).buffer });
  const wasm = await readFile(join(build, 'v86.wasm'));
  const Constructor = V86 as unknown as new (options: object) => Stock;
  const emulator = new Constructor({
    wasm_fn: async (imports: WebAssembly.Imports) =>
      (await WebAssembly.instantiate(wasm, imports)).instance.exports,
    memory_size: memoryMiB << 20,
    vga_memory_size: 8 << 20,
    bios: await image(join(firmware, 'seabios.bin')),
    vga_bios: await image(join(firmware, 'vgabios.bin')),
    fda: { buffer: floppy.slice().buffer },
    autostart: false,
    disable_speaker: true,
    ...more,
  });
  let serial = '';
  const found = new Promise<void>((resolve) => {
    emulator.add_listener('serial0-output-byte', (byte: number) => {
      serial += String.fromCharCode(byte);
      if (byte === 10 && enough.test(serial)) resolve();
    });
  });
  await new Promise<void>((done) => emulator.add_listener('emulator-ready', () => done()));
  if (state) await emulator.restore_state(state.slice().buffer);
  await emulator.run();
  await found;
  return {
    serial: () => serial,
    async save() {
      await emulator.stop();
      const saved = Buffer.from(await emulator.save_state());
      await emulator.destroy();
      return saved;
    },
    end: () => emulator.destroy(),
  };
}
