import { HoldfastError } from '../../errors.ts';
import type { CprSource, CprTarget } from '../../protocol/cpr.ts';
import type { MachineStatus, Runstate } from '../../protocol/events.ts';
import type { KeeperInfo } from '../../protocol/keeper-api.ts';
import { type MigrateOptions, type MigrationInfo, noMigration } from '../../protocol/migration.ts';
import type { CpuRegisters, SegmentRegister } from '../../protocol/registers.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { MigrationOrigin, MigrationTarget, MonitorMachine } from '../monitor-machine.ts';

const runtime = (v86Version: string): RuntimeSource => ({
  id: `${v86Version}-abc`,
  v86Version,
  url: `https://site/${v86Version}.js`,
  wasmUrl: `https://site/${v86Version}.wasm`,
});
export const runtimes = [runtime('0.5.462'), runtime('0.5.409')];
const none: SegmentRegister = { selector: 0, base: 0, limit: 0, flags: 0 };
const registers: CpuRegisters = {
  general: { eax: 0, ebx: 0, ecx: 0, edx: 0, esi: 0, edi: 0, ebp: 0, esp: 0x100 },
  eip: 0x7c00,
  eflags: 2,
  cpl: 0,
  halted: false,
  segments: { es: none, cs: none, ss: none, ds: none, fs: none, gs: none, ldt: none, tr: none },
  gdt: { base: 0, limit: 0 },
  idt: { base: 0, limit: 0 },
  cr0: 0,
  cr2: 0,
  cr3: 0,
  cr4: 0,
  debug: [0, 0, 0, 0, 0, 0, 0, 0],
  fpu: { controlWord: 0, statusWord: 0, tagWord: 0, registers: [] },
  mxcsr: 0,
  xmm: [],
};
const keeper: KeeperInfo = {
  abiVersion: 1,
  instanceId: 'keeper',
  survivesPages: true,
  startedAtMs: 0,
  machine: null,
};

/** Records its calls. Has 4 KiB of memory in which each byte is its address. */
export class FakeMachine implements MonitorMachine {
  readonly keeper = keeper;
  readonly calls: unknown[][] = [];
  status: MachineStatus | null = {
    runstate: 'running',
    config: {} as MachineStatus['config'],
    runtimeId: '0.5.462-abc',
    v86Version: '0.5.462',
    mips: 100,
    bootedAtMs: 0,
    restarts: 3,
    lastPauseMs: 2.46,
    pages: 1,
  };
  readonly entries = new Map<string, Uint8Array>();
  readonly storage = { states: async () => [{ name: 'before lunch' }, { name: 'old' }] };

  setRunstate(runstate: Runstate): void {
    if (this.status) this.status = { ...this.status, runstate };
  }

  #call(...call: unknown[]): void {
    this.calls.push(call);
  }

  async pause() {
    this.#call('pause');
  }
  async resume() {
    this.#call('resume');
  }
  async reset() {
    this.#call('reset');
  }
  async systemPowerdown() {
    throw new HoldfastError('bad-config', 'This machine has no ACPI.');
  }
  async suspend() {
    this.#call('suspend');
  }
  async wakeup() {
    this.#call('wakeup');
  }
  async type(text: string) {
    this.#call('type', text);
  }
  async scancodes(codes: readonly number[]) {
    this.#call('scancodes', ...codes);
  }
  async restart({ runtime: to }: { runtime: RuntimeSource }) {
    this.#call('restart', to.id);
    const timings = {
      prepareMs: 0,
      stopMs: 0,
      saveMs: 0,
      swapMs: 0,
      loadMs: 0,
      pauseMs: 2.5,
      vmstateBytes: 0,
    };
    return { runtimeId: to.id, v86Version: to.v86Version, timings };
  }
  async readMemory(address: number, length: number) {
    if (address + length > 4096)
      throw new HoldfastError('bad-config', 'The guest has no memory there.');
    return Uint8Array.from({ length }, (_, index) => address + index);
  }
  async ramBlocks({ digests = false } = {}) {
    return [
      { name: 'pc.ram', address: 0x4000000, guestAddress: 0, sizeBytes: 0x8000000 },
      {
        name: 'pc.bios',
        guestAddress: 0xe0000,
        sizeBytes: 0x20000,
        partOf: 'pc.ram',
        ...(digests && { digest: 'xxh64:0011', moving: true }),
      },
    ];
  }
  async infoRegisters() {
    return registers;
  }
  async infoNetwork() {
    return {
      device: 'ne2k' as const,
      mac: '00:22:15:01:02:03',
      backend: { kind: 'wisp' as const, url: 'wss://relay/' },
      connections: [{ guest: '192.168.86.100:4242', remote: '93.184.216.34:80' }],
      framesOut: 12,
      bytesOut: 1234,
      framesIn: 10,
      bytesIn: 9876,
      dropped: 0,
      waiting: 1,
    };
  }
  async infoBlock() {
    return [
      {
        device: 'hda' as const,
        kind: 'disk' as const,
        medium: {
          base: 'https://site/disk.img',
          backing: 'range' as const,
          sizeBytes: 8192,
          overlay: { blocks: 2, generation: 5 },
          cache: { chunks: 1, hits: 3, misses: 1 },
        },
        inFlight: 1,
      },
      { device: 'cdrom' as const, kind: 'cdrom' as const, inFlight: 0 },
    ];
  }
  async changeMedia(device: string, source: object) {
    const text = 'file' in source ? await (source.file as Blob).text() : source;
    this.#call('changeMedia', device, text);
  }
  async ejectMedia(device: string) {
    this.#call('ejectMedia', device);
  }
  async screen() {
    const pixels = new Uint8ClampedArray(2 * 3 * 4).fill(255);
    return { mode: 'graphics' as const, width: 2, height: 3, pixels };
  }
  async cprSave(
    target: CprTarget,
    options: { mode: 'restart' | 'reboot'; runtime?: RuntimeSource },
  ) {
    this.#call('cprSave', target.kind, options.mode, options.runtime?.id);
    const bytes = Uint8Array.of(1, 2, 3);
    if (target.kind === 'store') this.entries.set(target.name, bytes);
    return {
      mode: options.mode,
      machineId: 'machine',
      runstate: 'running' as const,
      savedAtMs: 0,
      vmstateBytes: 3,
      ...(target.kind === 'bytes' && { bytes }),
      timings: { prepareMs: 0, saveMs: 0, writeMs: 0 },
    };
  }
  async cprLoad(source: CprSource) {
    const bytes =
      source.kind === 'file'
        ? new Uint8Array(await source.file.arrayBuffer())
        : source.kind === 'store'
          ? this.entries.get(source.name)
          : source.bytes;
    if (!bytes) throw new HoldfastError('not-found', 'There is no such entry.');
    this.#call('cprLoad', ...bytes);
    return {
      machineId: 'machine',
      runstate: 'running' as const,
      savedAtMs: 0,
      runtimeId: '0.5.409-abc',
      v86Version: '0.5.409',
      timings: { readMs: 0, prepareMs: 0, loadMs: 0 },
    };
  }
  migration: MigrationInfo = noMigration;
  async migrate(target: MigrationTarget) {
    this.#call('migrate', target);
    return { ...this.migration, machineId: 'machine', downtimeMs: 18.25, totalMs: 640 };
  }
  async migrateIncoming(from: MigrationOrigin, { replace = false } = {}) {
    this.#call('migrateIncoming', from, replace);
    return { machineId: 'other', runtimeId: 'r', v86Version: '1', durationMs: 1 };
  }
  newerKeeper: { to: { name: string }; downtimeMs?: number } | null = null;
  async upgradeKeeper({ override = false } = {}) {
    this.#call('upgradeKeeper', override);
    return this.newerKeeper;
  }
  async migrateCancel() {
    this.#call('migrateCancel');
  }
  async migrateContinue() {
    this.#call('migrateContinue');
  }
  async migrateSetParameters(parameters: MigrateOptions) {
    this.#call('migrateSetParameters', parameters);
  }
  async migrationInfo() {
    return this.migration;
  }
  async cprCancel() {
    this.#call('cprCancel');
  }
  async cprBlockers(mode: 'restart' | 'reboot') {
    if (mode === 'restart') return [];
    return [
      { code: 'volatile-ram' as const, message: 'There is no storage here.' },
      { code: 'disk-not-reopenable' as const, device: 'hda', message: 'Save the disk first.' },
    ];
  }
}
