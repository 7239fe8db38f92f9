/**
 * A v86 object graph ("core"): CPU, devices and ports, built in one memory and then moved to
 * another.
 *
 * Building it takes tens of milliseconds and writes to many places in its memory. So it happens in
 * scratch memory while the previous runtime still runs the guest. Two instances of the same module
 * take part. The first one initialises scratch memory. The second one is created over the guest's
 * memory. It takes over once the runtime's part of scratch memory has been copied there. The
 * JavaScript side is not affected: it reaches memory through one object with a `buffer`, and
 * functions through one `exports` object. {@link V86Core.moveTo} replaces both.
 */
import { HoldfastError } from '../../errors.ts';
import type { RamBlock } from '../../protocol/abi.ts';
import { isCalibratingTimer } from './calibrating-timer.ts';
import { useDirectViews } from './direct-views.ts';
import { videoListAddress } from './frame-buffer.ts';
import { type BlockPlacement, Growth } from './growth.ts';
import { GuestClock } from './guest-clock.ts';
import { JitQueue, tableOffset } from './jit.ts';
import type { Range } from './page-ops.ts';
import { type PageQuestions, pageQuestionImports } from './page-questions.ts';
import { recentPages } from './recent-pages.ts';
import type { V86Wasm } from './v86-wasm.ts';
import { type Knobs, WasmInstance } from './wasm-instance.ts';

interface V86CoreOptions {
  V86: V86Constructor;
  wasm: V86Wasm;
  /** Memory in which the core is built. */
  memory: WebAssembly.Memory;
  runtimeBytes: number;
  ram: RamBlock;
  vram: RamBlock;
  machine: V86MachineOptions;
  screen: object;
  clock(): number;
  /** True if guest RAM already holds a guest: firmware is not copied there. */
  leavesRam?: boolean;
}

/** v86's own. */
const usualLoopCounter = 100_003;
/** Bit of CR0. */
const protectedMode = 1;
/** A round takes about 1 ms. */
const mostRounds = 64;

/**
 * Replaces ImageData: v86's VGA makes one over wasm memory, and the real one refuses shared memory.
 */
class SharedImageData {
  readonly colorSpace = 'srgb';
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}

/** Runs `run` without v86's copies into guest RAM. */
export function leavingRam(cpu: V86Cpu, run: () => void): void {
  const own = Object.getOwnPropertyDescriptor(cpu, 'write_blob');
  cpu.write_blob = () => undefined;
  try {
    run();
  } finally {
    // Otherwise the prototype's method applies again.
    if (own) Object.defineProperty(cpu, 'write_blob', own);
    else Reflect.deleteProperty(cpu, 'write_blob');
  }
}

export class V86Core {
  readonly growth: Growth;
  readonly #clock: GuestClock;
  #wasIdle = false;
  #questions: PageQuestions | undefined;
  /** Set while v86 must return to its caller soon. */
  #isSliceEnded = false;
  #loopCounter = usualLoopCounter;
  /** v86's closures read memory through this. */
  readonly #view: { buffer: ArrayBufferLike };
  readonly #options: V86CoreOptions;
  readonly #placements: BlockPlacement[] = [];
  readonly #jitQueue = new JitQueue();
  #env!: V86Env;
  #instance!: WasmInstance;
  #incoming: WasmInstance | undefined;
  #machine!: V86Machine;
  #bus!: V86Bus;
  #emulatorBus!: V86Bus;

  private constructor(options: V86CoreOptions) {
    this.#options = options;
    this.#clock = new GuestClock(options.clock);
    this.growth = new Growth(options.wasm.staticBytes, videoListAddress(options.runtimeBytes));
    this.#view = { buffer: options.memory.buffer };
  }

  /** @throws {HoldfastError} `runtime-failed` if v86 fails to set itself up. */
  static async create(options: V86CoreOptions): Promise<V86Core> {
    const core = new V86Core(options);
    (globalThis as { ImageData?: unknown }).ImageData = SharedImageData;
    try {
      await core.#build();
    } catch (cause) {
      throw HoldfastError.from(cause, 'runtime-failed', 'The runtime could not be set up');
    }
    return core;
  }

  get cpu(): V86Cpu {
    return this.#machine.cpu;
  }

  get machine(): V86Machine {
    return this.#machine;
  }

  /** Sends to v86's devices (`serial0-input`, `keyboard-code`…) and receives from them. */
  get bus(): V86Bus {
    return this.#bus;
  }

  /** Address of guest RAM in the memory. */
  get ramAddress(): number {
    return (this.#placements[0] as BlockPlacement).address;
  }

  get vramAddress(): number {
    return (this.#placements[1] as BlockPlacement).address;
  }

  /** All memory of the runtime, as opposed to the guest's. */
  get ownRanges(): Range[] {
    const { runtimeBytes } = this.#options;
    return [
      this.growth.used,
      { start: videoListAddress(runtimeBytes), end: runtimeBytes },
      ...this.#placements.flatMap(({ slack }) => slack),
    ];
  }

  #build(): Promise<void> {
    const { V86, machine, memory } = this.#options;
    return new Promise((resolve, reject) => {
      const wasmFn = async ({ env }: { env: V86Env }): Promise<V86Exports> => {
        try {
          this.#env = env;
          this.#instance = this.#instantiate(memory, env.__indirect_function_table);
          const { wasm } = this.#options;
          const bytes = new Uint8Array(memory.buffer);
          for (const { address, bytes: data } of wasm.segments) bytes.set(data, address);
          return this.#instance.facade(this.#view);
        } catch (error) {
          reject(error);
          throw error;
        }
      };
      const initialise = (machine: V86Machine, settings: V86Settings) => {
        try {
          this.#init(machine, settings);
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      class Bare extends V86 {
        override async continue_init(machine: V86Machine, options: V86Options): Promise<void> {
          // v86 gathers its settings and images; the next step is ours.
          machine.init = (settings) => initialise(machine, settings);
          machine.next_tick = () => undefined;
          await super.continue_init(machine, options).catch(reject);
        }
      }
      const emulator = new Bare({
        ...machine,
        wasm_fn: wasmFn,
        autostart: false,
        disable_keyboard: true,
        disable_mouse: true,
        disable_speaker: true,
        preserve_mac_from_state_image: true,
      });
      this.#bus = emulator.bus;
      this.#emulatorBus = emulator.emulator_bus;
    });
  }

  #init(machine: V86Machine, settings: V86Settings): void {
    this.#machine = machine;
    this.#useClock();
    const { cpu } = machine;
    const { ram, vram, screen } = this.#options;
    settings.screen = screen;
    this.#allocateFrom(cpu, 'allocate_memory', ram);
    this.#allocateFrom(cpu, 'svga_allocate_memory', vram);
    const init = () => cpu.init(settings, this.#emulatorBus);
    if (this.#options.leavesRam) leavingRam(cpu, init);
    else init();
    this.#clock.pit = cpu.devices.pit;
    this.#useDirectViews();
  }

  /** Redirects the next call of this allocator to `block`. */
  #allocateFrom(
    cpu: V86Cpu,
    name: 'allocate_memory' | 'svga_allocate_memory',
    block: RamBlock,
  ): void {
    const allocate = cpu[name] as V86Function;
    cpu[name] = (sizeBytes: number) => {
      const placement = this.growth.during(block, sizeBytes, () => allocate(sizeBytes));
      this.#placements.push(placement);
      this.#instance.locate(...this.#placements);
      return placement.address;
    };
  }

  #instantiate(memory: WebAssembly.Memory, table: WebAssembly.Table): WasmInstance {
    const { wasm, runtimeBytes } = this.#options;
    const env = this.#env;
    env.microtick = this.#clock.now;
    env.memory_grow_pre = this.growth.before;
    env.memory_grow_post = this.growth.after;
    Object.assign(
      env,
      pageQuestionImports(() => this.#questions),
    );
    env.codegen_finalize = (
      index: number,
      start: number,
      flags: number,
      at: number,
      size: number,
    ) => {
      const code = new Uint8Array(this.#view.buffer, at >>> 0, size >>> 0);
      this.#jitQueue.add(index, start, flags, code);
    };
    env.run_hardware_timers = (acpi: boolean, now: number) => {
      this.#jitQueue.finish(this.#instance);
      return this.cpu.run_hardware_timers(acpi, now);
    };
    env.jit_clear_func = (index: number) => this.#instance.table.set(index + tableOffset, null);
    const { module } = wasm;
    const instance = new WasmInstance({ module, env, memory, table, runtimeBytes });
    instance.locate(...this.#placements);
    return instance;
  }

  /** True if the module tracks the guest's writes. */
  get tracksWrites(): boolean {
    return this.#instance.tracksWrites;
  }

  /** Returns the pages of guest RAM that the guest used last, if this module can tell. */
  recentPages(ramBytes: number): Uint32Array<ArrayBuffer> | undefined {
    const { tlbAddress } = this.#instance;
    if (tlbAddress === undefined) return undefined;
    const { ramAddress } = this;
    return recentPages({ buffer: this.#view.buffer, tlbAddress, ramAddress, ramBytes });
  }

  /** Draws what changed in the picture since the last call. v86's VGA passes it to its screen. */
  fillScreen(): void {
    this.cpu.devices.vga.screen_fill_buffer();
    this.#instance.protectFrameBuffer(this.#view.buffer);
  }

  /** Sets constants of v86 that tools/wasm/transform.ts made settable. */
  setKnobs(knobs: Knobs): void {
    this.#loopCounter = knobs.loopCounter;
    this.#instance.setKnobs(knobs);
  }

  /** True if the module can wait for absent pages. */
  get asksAboutPages(): boolean {
    return this.#instance.asksAboutPages;
  }

  /** @param questions undefined if no page is absent: nothing is asked, which costs nothing */
  askAboutPages(questions: PageQuestions | undefined): void {
    this.#questions = questions;
    this.#instance.askAboutPages(questions !== undefined);
  }

  /**
   * True while v86 does something of which it cannot repeat a part. In real mode that includes the
   * delivery of an interrupt.
   */
  get isUnrepeatable(): boolean {
    return this.#instance.isUnrepeatable(((this.cpu.cr[0] ?? 0) & protectedMode) !== 0);
  }

  /** Returns the low half of a page directory pointer of PAE, as the CPU holds it. */
  directoryPointer(index: number): number {
    const address = this.#instance.directoryPointersAddress + index * 8;
    return new DataView(this.#view.buffer).getInt32(address, true);
  }

  /** Makes v86 return to its caller, from an import of the module. */
  endSlice(): void {
    this.#isSliceEnded = true;
    this.#instance.setLoopCounter(0);
  }

  /**
   * Runs the guest for about a millisecond.
   * @returns the time for which the guest is idle from now on, ms; below 1 if it is not idle.
   */
  step(): number {
    this.#useClock();
    const { cpu } = this.#machine;
    if (this.#wasIdle) this.#clock.resume();
    if (this.#isSliceEnded) this.#instance.setLoopCounter(this.#loopCounter);
    this.#isSliceEnded = false;
    for (let rounds = 0; ; rounds++) {
      const idleMs = cpu.main_loop();
      this.#jitQueue.finish(this.#instance);
      const mayGoOn = idleMs < 1 && rounds < mostRounds && !this.#isSliceEnded;
      if (mayGoOn && isCalibratingTimer(cpu.devices.pit, this.#clock.now())) continue;
      this.#wasIdle = idleMs >= 1;
      return idleMs;
    }
  }

  /**
   * Sets v86's clock. Its devices read a clock of their module and its CPU the imported one, but a
   * guest has only one. It is set before each step, because a machine that is being built shares
   * the module.
   */
  #useClock(): void {
    this.#machine.constructor.microtick = this.#clock.now;
  }

  /** Creates the instance that will take over in `memory`, without writing there. */
  prepareMove(memory: WebAssembly.Memory): void {
    const { length } = this.#instance.table;
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: length });
    this.#incoming = this.#instantiate(memory, table);
  }

  /**
   * Moves everything to `memory`, which must hold this core's {@link ownRanges} as they were when
   * scratch memory was captured.
   */
  moveTo(memory: WebAssembly.Memory): void {
    if (!this.#incoming) throw new HoldfastError('internal', 'This core was not prepared to move.');
    this.#instance = this.#incoming;
    this.#incoming = undefined;
    const from = this.#view.buffer;
    this.#view.buffer = memory.buffer;
    const { cpu } = this;
    cpu.wm = { exports: this.#instance.facade(this.#view), wasm_table: this.#instance.table };
    cpu.wasm_patch();
    // Created from the scratch instance for v86's own JIT finaliser, which is not used.
    cpu.jit_imports = undefined;
    this.#useDirectViews(from);
  }

  /** @param from the buffer that the views are of, before a move */
  #useDirectViews(from?: ArrayBufferLike): void {
    const { cpu } = this;
    for (const object of [cpu, cpu.devices.vga]) useDirectViews(object, this.#view.buffer, from);
  }

  /** Ends v86's own part without access to memory. */
  destroy(): void {
    this.#machine.destroy();
  }
}
