/** An active v86: implements the keeper's {@link RuntimeInstance}. */

import { HoldfastError } from '../errors.ts';
import type {
  DeviceSnapshot,
  MemoryArea,
  RamBlock,
  RuntimeCommands,
  RuntimeHost,
  RuntimeInstance,
} from '../protocol/abi.ts';
import type { Blocker, CprMode, DiskIdentity } from '../protocol/cpr.ts';
import type { MachineEvent } from '../protocol/events.ts';
import { pageBytes } from '../protocol/page-bytes.ts';
import type { Digest } from '../vmstate/vmstate.ts';
import type { KernelImage } from './boot/kernel-image.ts';
import { Reboot } from './boot/reboot.ts';
import { machineCommands } from './commands.ts';
import type { PageOps } from './core/page-ops.ts';
import { RunLoop } from './core/run-loop.ts';
import type { V86Core } from './core/v86-core.ts';
import { RamWrites } from './core/write-tracking.ts';
import { onPowerOff } from './devices/acpi-power.ts';
import { ConsoleInput } from './devices/console-input.ts';
import { type ConsoleOutput, connectConsoleOutput } from './devices/console-output.ts';
import { memoryAreas } from './devices/memory-areas.ts';
import { Ps2Input } from './devices/ps2-input.ts';
import type { ScreenTap } from './devices/screen-tap.ts';
import { diskBlockers } from './disks/blockers.ts';
import type { Drives } from './disks/drives.ts';
import type { Media } from './disks/medium.ts';
import { quiesce } from './disks/quiesce.ts';
import { LazyGuestRam } from './lazy/lazy-guest-ram.ts';
import { Network } from './network/network.ts';
import { NinepFiles } from './ninep/ninep-files.ts';
import { NinepState } from './ninep/ninep-state.ts';
import { ParkedPages } from './prepare/parked-pages.ts';
import { Sound } from './sound/sound.ts';
import { loadDevices } from './state/device-state.ts';
import type { DeviceTemplate } from './state/device-template.ts';
import { type IncomingState, readIncoming } from './state/incoming.ts';
import { keepCarried, saveVmstate } from './state/save-vmstate.ts';
import { exportV86State, readV86State } from './state/v86-state.ts';
import { planesBlock, usePlanesBlock } from './state/vga-planes.ts';

/** Tuning of v86: `usual` has its own values. */
const knobs = {
  usual: { jitThreshold: 200_000, loopCounter: 100_003 },
  eager: { jitThreshold: 10_000, loopCounter: 5_003 },
} as const;
/** Time for which the JIT stays eager after a hand-over. */
const eagerMs = 400;

export interface V86RuntimeParts {
  host: RuntimeHost;
  V86: V86Constructor;
  core: V86Core;
  screen: ScreenTap;
  ops: PageOps;
  kernel: KernelImage;
  drives: Drives;
  v86Version: string;
  /** `xxh64:…` of the transformed v86.wasm, if the module contains it. */
  wasmDigest: string | undefined;
  digest: Digest;
  /** The template of these devices' state. */
  template: DeviceTemplate;
}

export class V86Runtime implements RuntimeInstance {
  readonly core: V86Core;
  readonly v86Version: string;
  readonly commands: RuntimeCommands;
  readonly writes?: RamWrites;
  readonly lazyRam?: LazyGuestRam;
  readonly network: Network;
  readonly files: NinepFiles;
  readonly input: ConsoleInput;
  /** Keys and mouse. */
  readonly ps2: Ps2Input;
  /** Only in a machine with sound. */
  readonly sound: Sound | undefined;
  readonly #share: NinepState;
  readonly #options: V86RuntimeParts;
  readonly #loop: RunLoop;
  readonly #output: ConsoleOutput;
  readonly #mouse = { absolute: false, enabled: false };
  readonly #parked: ParkedPages;
  readonly #reboot: Reboot;
  #eager: ReturnType<typeof setTimeout> | undefined;
  /** True from a load until the guest runs: it may have been paused. */
  #eagerSoon = false;

  constructor(options: V86RuntimeParts) {
    this.#options = options;
    this.core = options.core;
    this.v86Version = options.v86Version;
    const { host, core, V86, ops } = options;
    const { cpu, machine, bus } = core;
    this.#output = connectConsoleOutput(bus, host);
    this.#loop = new RunLoop({
      step: () => this.#step(),
      waits: () => this.lazyRam?.waitsFor !== undefined,
      clock: host.clock,
      crashed: (reason) => {
        this.network.stop();
        host.crashed(reason);
      },
    });
    if (core.tracksWrites) {
      const { memory, runtimeBytes, config } = host;
      const ramBytes = config.memoryMiB << 20;
      const clearTlb = () => cpu.full_clear_tlb();
      this.writes = new RamWrites({ memory, runtimeBytes, ramBytes, clearTlb });
    }
    if (core.asksAboutPages)
      this.lazyRam = new LazyGuestRam({ memory: host.memory, core, wake: () => this.wake() });
    this.network = new Network({ host, V86, cpu, bus, wake: () => this.wake() });
    this.files = new NinepFiles(cpu);
    this.input = new ConsoleInput(cpu, bus);
    this.ps2 = new Ps2Input(cpu, bus);
    if (host.config.sound) this.sound = new Sound({ host, cpu, bus });
    this.#share = new NinepState(cpu, host);
    this.#parked = new ParkedPages(host, core, ops);
    machine.next_tick = () => this.#loop.wake();
    machine.idle = true;
    usePlanesBlock(host, cpu);
    const reset = cpu.reboot_internal.bind(cpu);
    const { kernel, drives } = options;
    const { waits } = drives;
    this.#reboot = new Reboot({ host, cpu, reset, kernel, loop: this.#loop, waits });
    cpu.reboot_internal = () => {
      this.lazyRam?.forgetWait();
      this.input.clear();
      this.ps2.clear();
      this.network.reset();
      this.sound?.reset();
      this.#reboot.begin();
      host.guestReset();
    };
    this.#listen();
    this.#connectDrives();
    this.commands = machineCommands(this);
    options.screen.setQuiet(false);
  }

  #connectDrives(): void {
    const { drives, core } = this.#options;
    drives.connect({ cpu: core.cpu, wake: () => this.wake() });
  }

  get guestMemory(): RamBlock[] {
    const { host, core } = this.#options;
    const { memoryMiB, vgaMemoryMiB } = host.config;
    return [
      { name: 'pc.ram', address: core.ramAddress, sizeBytes: memoryMiB << 20 },
      { name: 'vga.vram', address: core.vramAddress, sizeBytes: vgaMemoryMiB << 20 },
      planesBlock(host),
    ];
  }

  #listen(): void {
    const { host, core } = this.#options;
    // Sent for a halt with interrupts off, which is permanent: the final step of `poweroff`.
    core.bus.register('cpu-event-halt', () => host.guestHalted?.(), this);
    onPowerOff(core.cpu, () => host.guestHalted?.());
    const mouse = (change: Partial<{ absolute: boolean; enabled: boolean }>) => {
      Object.assign(this.#mouse, change);
      host.emit({ type: 'mouse-mode', ...this.#mouse });
    };
    core.bus.register('mouse-enable', (enabled: boolean) => mouse({ enabled }), this);
    core.bus.register('vmware-absolute-mouse', (absolute: boolean) => mouse({ absolute }), this);
  }

  /**
   * @param isWarm true if the engine has compiled this module. With a new module, eager compilation
   * would stop the guest until the compiler itself is compiled
   */
  load(
    { devices, disks, diskReads, shareFiles, consoleInput, ps2, network, carried }: IncomingState,
    { isWarm = true } = {},
  ): void {
    const { host, drives } = this.#options;
    // Checked only now: the media may have changed while this runtime was prepared.
    drives.check(disks);
    if (shareFiles) this.#share.check(shareFiles);
    keepCarried(host, carried);
    drives.forgetReads();
    this.lazyRam?.forgetWait();
    loadDevices(this.core.cpu, devices, host.clock);
    this.#share.load(shareFiles);
    if (consoleInput) this.input.load(consoleInput);
    if (ps2) this.ps2.load(ps2);
    if (network) this.network.load(network);
    this.sound?.loaded();
    this.network.stop();
    this.#reboot.loaded();
    if (diskReads) drives.askAgain(diskReads);
    this.#eagerSoon = isWarm;
  }

  /**
   * Compiles the guest's code eagerly after a hand-over. The guest continues with the same code. So
   * this code is hot, and none of it is compiled.
   */
  #compileEagerly(): void {
    this.#eagerSoon = false;
    this.core.setKnobs(knobs.eager);
    this.#eager = setTimeout(() => this.core.setKnobs(knobs.usual), eagerMs);
  }

  /** @returns the time for which the guest is idle from now on, ms */
  #step(): number {
    const idleMs = this.core.step();
    this.#output.sendShort();
    const gotFrames = this.network.drain();
    const gotKeys = this.ps2.pump();
    const gotInput = this.input.pump();
    const soundMs = this.sound?.pump() ?? idleMs;
    return gotFrames || gotKeys || gotInput ? 0 : Math.min(idleMs, soundMs);
  }

  recentPages(): Uint32Array<ArrayBuffer> | undefined {
    return this.core.recentPages(this.#options.host.config.memoryMiB << 20);
  }

  get drives(): Drives {
    return this.#options.drives;
  }

  get running(): boolean {
    return this.#loop.running;
  }

  run(): void {
    if (this.#eagerSoon) this.#compileEagerly();
    this.network.run();
    this.sound?.run();
    this.#reboot.run();
  }

  stop(): void {
    this.#loop.stop();
    this.network.stop();
    this.sound?.stop();
  }

  blockers(mode: CprMode): Blocker[] {
    return [...diskBlockers(this.drives, mode), ...this.network.blockers(mode)];
  }

  wake(): void {
    this.#loop.wake();
  }

  quiesce(): Promise<void> {
    return quiesce(this.#reboot.waiting);
  }

  disks(): DiskIdentity[] {
    return this.#options.drives.identities();
  }

  save(): Uint8Array {
    const { drives, digest, host, v86Version, wasmDigest } = this.#options;
    return saveVmstate({
      host,
      cpu: this.core.cpu,
      drives,
      share: this.#share,
      input: this.input,
      ps2: this.ps2,
      network: this.network,
      v86Version,
      wasmDigest,
      digest,
    });
  }

  capture(): DeviceSnapshot {
    const { media } = this.drives;
    return { vmstate: this.save(), media: { ...media } };
  }

  revert({ vmstate, media }: DeviceSnapshot, restoreMemory: () => readonly number[]): void {
    const { digest, template } = this.#options;
    const state = readIncoming(vmstate, digest, template);
    const { cpu } = this.core;
    const written = restoreMemory();
    this.drives.replaceMedia(media as Media);
    this.#connectDrives();
    this.input.clear();
    this.ps2.clear();
    this.sound?.clear();
    // Unchanged pages contain the same code as before: it stays compiled.
    const keepingCode = cpu.jit_clear_cache;
    cpu.jit_clear_cache = () => undefined;
    try {
      this.load(state);
    } finally {
      cpu.jit_clear_cache = keepingCode;
    }
    if (!state.network) this.network.load({ connections: [] });
    for (const { first, count } of runsOf(written))
      cpu.jit_dirty_cache(first * pageBytes, (first + count) * pageBytes);
  }

  exportV86State(): Uint8Array<ArrayBuffer> {
    const [operation] = this.drives.inFlight.operations;
    if (operation)
      throw new HoldfastError(
        'blocked',
        `The guest waits for ${operation.device}, which a state of v86 cannot hold. Try again, or export a state file.`,
      );
    return exportV86State(this.core.cpu, this.drives);
  }

  /** @throws HoldfastError `wrong-v86-state` with the guest unchanged */
  loadV86State(bytes: Uint8Array): void {
    const { host, template } = this.#options;
    const { cpu } = this.core;
    const { clock } = host;
    const taking = { cpu, drives: this.drives, template, clock };
    const { devices, fillMemory } = readV86State(taking, bytes);
    this.input.clear();
    this.ps2.clear();
    fillMemory();
    this.lazyRam?.replaced();
    this.load({
      devices,
      disks: undefined,
      diskReads: undefined,
      shareFiles: undefined,
      consoleInput: undefined,
      network: undefined,
      carried: [],
    });
    cpu.jit_clear_cache();
    this.writes?.invalidate();
  }

  park(): void {
    const { screen, drives } = this.#options;
    screen.setQuiet(true);
    drives.disconnect();
    this.#parked.park();
  }

  unpark(): void {
    const { host, screen, core } = this.#options;
    this.#parked.unpark();
    // The other runtime may have run the guest for a slice.
    this.writes?.invalidate();
    usePlanesBlock(host, core.cpu);
    this.#connectDrives();
    screen.setQuiet(false);
    this.network.stop();
  }

  destroy(): void {
    clearTimeout(this.#eager);
    this.#reboot.giveUp();
    const { screen, drives } = this.#options;
    drives.disconnect();
    drives.forgetReads();
    screen.setQuiet(true);
    screen.setWatched(false);
    this.#loop.destroy();
    this.core.destroy();
  }

  bringBootImages(): Promise<void> {
    return this.#reboot.bring();
  }

  memoryAreas(): MemoryArea[] {
    return memoryAreas(this.core.cpu);
  }

  instructionCounter(): number {
    return (this.core.cpu.instruction_counter[0] ?? 0) >>> 0;
  }

  snapshot(): MachineEvent[] {
    return this.describe();
  }

  describe(): MachineEvent[] {
    return [
      { type: 'mouse-mode', ...this.#mouse },
      ...this.#options.screen.describe(),
      ...this.drives.waits.describe(),
    ];
  }

  setListened(listened: boolean): void {
    this.sound?.setListened(listened);
  }

  setWatched(watched: boolean): void {
    this.#options.screen.setWatched(watched);
  }
}

/** Groups ascending numbers into runs of neighbours. */
function runsOf(pages: readonly number[]): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = [];
  for (const page of pages) {
    const last = runs.at(-1);
    if (last && last.first + last.count === page) last.count++;
    else runs.push({ first: page, count: 1 });
  }
  return runs;
}
