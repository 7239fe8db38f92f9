/** The page around v86 as npm ships it, set up as v86's examples do it. */
import { ConsoleReader } from './console-reader.ts';
import { type GuestPage, timeCommand, wallMs } from './guest-page.ts';
import { Meter } from './meter.ts';
import { deleteState, getState, putState } from './stock-store.ts';

const query = new URLSearchParams(location.search);
const memoryMiB = Number(query.get('m'));
const siteUrl = new URL('/', location.href);
const reader = new ConsoleReader(wallMs);
let emulator: StockV86;

/** The same machine as the playground's. */
async function machineOptions(coldBoot: boolean) {
  const at = (path: string) => ({ url: new URL(path, siteUrl).href });
  const options = {
    wasm_path: new URL('v86/v86.wasm', siteUrl).href,
    memory_size: memoryMiB * 1024 * 1024,
    vga_memory_size: 8 * 1024 * 1024,
    screen_container: document.getElementById('screen_container'),
    bios: at('firmware/seabios.bin'),
    vga_bios: at('firmware/vgabios.bin'),
  };
  if (query.get('guest') === 'pattern-graphics')
    return { ...options, fda: at('guests/pattern/graphics.img'), net_device: { type: 'none' } };
  const machine = { ...options, filesystem: {}, virtio_console: true };
  if (!coldBoot) return machine;
  const response = await fetch(new URL('guests/linux/guest.json', siteUrl));
  const { bzimage, initrd, cmdline } = await response.json();
  return {
    ...machine,
    bzimage: at(`guests/linux/${bzimage}`),
    initrd: at(`guests/linux/${initrd}`),
    cmdline,
  };
}

async function create(options: object): Promise<StockV86> {
  const url = new URL('v86/libv86.mjs', siteUrl).href;
  const { V86 } = (await import(/* @vite-ignore */ url)) as { V86: StockV86Constructor };
  const created = new V86(options);
  created.add_listener('serial0-output-byte', (byte: number) => reader.push(Uint8Array.of(byte)));
  return created;
}

/**
 * Runs the second half of a restart, in a new document.
 * @returns the time when the guest's first progress was seen
 */
async function revive(counterAddress: number): Promise<number> {
  const loading = getState();
  emulator = await create({ ...(await machineOptions(false)), autostart: false });
  await new Promise<void>((done) => emulator.add_listener('emulator-ready', () => done()));
  await emulator.restore_state(await loading);
  const counter = () =>
    new DataView(emulator.read_memory(counterAddress, 4).slice().buffer).getUint32(0, true);
  const before = counter();
  void emulator.run();
  const channel = new MessageChannel();
  const firstMs = await new Promise<number>((done) => {
    channel.port1.onmessage = () => {
      if (counter() !== before) done(wallMs());
      else channel.port2.postMessage(null);
    };
    channel.port2.postMessage(null);
  });
  channel.port1.close();
  if (!query.has('keep')) await deleteState();
  return firstMs;
}

const page: GuestPage = {
  console: reader,
  type: async (text) => emulator.serial0_send(text),
  read: async (address, length) => emulator.read_memory(address, length),
  write: async (address, bytes) => emulator.write_memory(bytes, address),
};

/** v86's own state file, for a round trip through a server. */
const files = {
  async save(): Promise<{ tookMs: number; base64: string[] }> {
    const began = wallMs();
    const state = new Uint8Array(await emulator.save_state());
    const tookMs = wallMs() - began;
    const base64: string[] = [];
    for (let at = 0; at < state.length; at += 0x8000 * 3)
      base64.push(btoa(String.fromCharCode(...state.subarray(at, at + 0x8000 * 3))));
    return { tookMs, base64 };
  },

  /** @returns from the call until the guest answered, ms */
  async open(url: string): Promise<number> {
    await emulator.destroy();
    const began = wallMs();
    const options = { ...(await machineOptions(false)), initial_state: { url }, autostart: true };
    emulator = await create(options);
    await new Promise<void>((done) => emulator.add_listener('emulator-started', () => done()));
    emulator.serial0_send("echo op''ened\n");
    return (await reader.waitFor('opened', 120_000)) - began;
  },
};

const bench = {
  /** In a page that resumed a guest: the time when its first progress was seen. */
  revivedMs: undefined as number | undefined,
  page,
  files,
  meter: new Meter(page),
  timeCommand: (command: string) => timeCommand(page, command),

  /**
   * Runs the first half of a restart, as a user of v86 does it.
   * @returns the time of the guest's last progress that counts
   */
  async suspend(): Promise<number> {
    const lastMs = wallMs();
    await emulator.stop();
    await putState(await emulator.save_state());
    return lastMs;
  },

  /** Measures v86's own save and load, within one page. */
  async saveAndRestore(): Promise<{ saveMs: number; loadMs: number; vmstateBytes: number }> {
    await emulator.stop();
    const began = wallMs();
    const state = await emulator.save_state();
    const saved = wallMs();
    await emulator.restore_state(state);
    const loadMs = wallMs() - saved;
    void emulator.run();
    return { saveMs: saved - began, loadMs, vmstateBytes: state.byteLength };
  },
};

type StockBench = typeof bench;

declare global {
  interface Window {
    stock: StockBench;
  }
}

window.stock = bench;

document.addEventListener('DOMContentLoaded', async () => {
  const counterAddress = query.get('revive');
  if (counterAddress === null)
    emulator = await create({ ...(await machineOptions(true)), autostart: true });
  else bench.revivedMs = await revive(Number(counterAddress));
});
