/**
 * A v86 object graph ("shell"): CPU, devices and ports, made in one memory and then
 * pointed at another.
 *
 * Building it takes tens of milliseconds and writes all over its memory, so that happens
 * in scratch memory while the previous runtime still runs the guest. Two instances of the
 * same module take part: the first one initialises scratch memory; the second one, made
 * over the guest's memory, takes over once the runtime's part of scratch memory has been
 * copied there. The JavaScript side cannot tell the difference: it reaches memory through
 * one object with a `buffer`, and functions through one `exports` object, both of which
 * {@link Shell.moveTo} replaces.
 */
import { CprError } from '../errors.ts';
import type { RamBlock } from '../protocol/abi.ts';
import { type BlockPlacement, Growth } from './growth.ts';
import { shareMemoryImport, tableOffset } from './jit.ts';
import { measuresTime } from './measures-time.ts';
import type { Range } from './page-ops.ts';
import type { V86Wasm } from './v86-wasm.ts';
import { notingExports, writeMapAddress, writeMapBytes } from './write-tracking.ts';

export interface ShellOptions {
  V86: V86Constructor;
  wasm: V86Wasm;
  /** Where the shell is built. */
  memory: WebAssembly.Memory;
  runtimeBytes: number;
  ram: RamBlock;
  vram: RamBlock;
  machine: Omit<
    V86Options,
    | 'wasm_fn'
    | 'autostart'
    | 'disable_keyboard'
    | 'disable_mouse'
    | 'disable_speaker'
    | 'preserve_mac_from_state_image'
  >;
  screen: object;
  clock(): number;
}

/** One instance of v86.wasm with its table. */
interface Instance {
  exports: Record<string, V86Function>;
  table: WebAssembly.Table;
  /** What JIT modules import. */
  jitImports: WebAssembly.ModuleImports;
}

/** A round takes about 1 ms. */
const mostRounds = 64;

export interface Knobs {
  /** Instructions that the guest must run in a page before the JIT compiles it. */
  jitThreshold: number;
  /** Instructions between two looks at timers, interrupts and what the JIT emitted. */
  loopCounter: number;
}

/** Added by tools/wasm/transform.ts. */
interface KnobGlobals {
  jit_threshold: WebAssembly.Global<'i32'>;
  loop_counter: WebAssembly.Global<'i32'>;
}

/** Absent where tools/wasm/track-writes.ts did not find its way. */
interface WriteTrackingGlobals {
  write_map?: WebAssembly.Global<'i32'>;
  ram_base?: WebAssembly.Global<'i32'>;
}

/** A module that the JIT emitted and nobody has compiled yet. */
interface JitModule {
  index: number;
  start: number;
  flags: number;
  code: Uint8Array<ArrayBuffer>;
}

/** v86's VGA makes an ImageData over wasm memory; the real one refuses shared memory. */
class SharedImageData {
  readonly colorSpace = 'srgb';
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}

export class Shell {
  readonly growth: Growth;
  /** v86's closures read memory through this. */
  readonly #view: { buffer: ArrayBufferLike };
  readonly #options: ShellOptions;
  readonly #placements: BlockPlacement[] = [];
  readonly #jitQueue: JitModule[] = [];
  #env!: V86Env;
  #instance!: Instance;
  #incoming: Instance | undefined;
  #machine!: V86Machine;
  #bus!: V86Bus;
  #emulatorBus!: V86Bus;

  private constructor(options: ShellOptions) {
    this.#options = options;
    this.growth = new Growth(options.wasm.staticBytes, writeMapAddress(options.runtimeBytes));
    this.#view = { buffer: options.memory.buffer };
  }

  /** @throws {CprError} `runtime-failed` when v86 fails to set itself up. */
  static async create(options: ShellOptions): Promise<Shell> {
    const shell = new Shell(options);
    (globalThis as { ImageData?: unknown }).ImageData = SharedImageData;
    try {
      await shell.#build();
    } catch (cause) {
      throw CprError.from(cause, 'runtime-failed', 'The emulator could not be set up');
    }
    return shell;
  }

  get cpu(): V86Cpu {
    return this.#machine.cpu;
  }

  get machine(): V86Machine {
    return this.#machine;
  }

  /** Sends to v86's devices (`serial0-input`, `keyboard-code`…) and hears from them. */
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

  /** All memory that belongs to the emulator rather than to the guest. */
  get ownRanges(): Range[] {
    const map = writeMapAddress(this.#options.runtimeBytes);
    return [
      this.growth.used,
      { start: map, end: map + writeMapBytes },
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
          return this.#facade(this.#instance);
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
          // v86 gathers its settings and images by itself; the step after that is ours.
          machine.init = (settings) => initialise(machine, settings);
          machine.next_tick = () => undefined;
          // On hosts with nested workers v86 has just started one for its timers.
          machine.unregister_yield();
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
    cpu.init(settings, this.#emulatorBus);
    this.#useDirectViews(this.#view.buffer);
  }

  /** The next call of this allocator takes its memory from `block`. */
  #allocateFrom(
    cpu: V86Cpu,
    name: 'allocate_memory' | 'svga_allocate_memory',
    block: RamBlock,
  ): void {
    const allocate = cpu[name] as V86Function;
    cpu[name] = (sizeBytes: number) => {
      const placement = this.growth.during(block, sizeBytes, () => allocate(sizeBytes));
      this.#placements.push(placement);
      this.#locateWrites(this.#instance);
      return placement.address;
    };
  }

  #instantiate(memory: WebAssembly.Memory, table: WebAssembly.Table): Instance {
    const { wasm, clock } = this.#options;
    const env = this.#env;
    env.microtick = clock;
    env.memory_grow_pre = this.growth.before;
    env.memory_grow_post = this.growth.after;
    env.codegen_finalize = (
      index: number,
      start: number,
      flags: number,
      at: number,
      size: number,
    ) => {
      const code = shareMemoryImport(new Uint8Array(this.#view.buffer, at >>> 0, size >>> 0));
      this.#jitQueue.push({ index, start, flags, code });
    };
    env.run_hardware_timers = (acpi: boolean, now: number) => {
      if (this.#jitQueue.length) this.#finishJit();
      return this.cpu.run_hardware_timers(acpi, now);
    };
    env.jit_clear_func = (index: number) => this.#instance.table.set(index + tableOffset, null);
    const { exports } = new WebAssembly.Instance(wasm.module, {
      env: { ...env, memory, __indirect_function_table: table } as WebAssembly.ModuleImports,
    });
    const functions = exports as unknown as Record<string, V86Function>;
    const instance = { exports: functions, table, jitImports: { ...functions, m: memory } };
    this.#locateWrites(instance);
    return instance;
  }

  /** Whether the module notes what the guest writes. */
  get tracksWrites(): boolean {
    return 'write_map' in this.#instance.exports;
  }

  /** Tells the module where to note writes, and where guest memory begins once that is known. */
  #locateWrites({ exports }: Instance): void {
    const { write_map, ram_base } = exports as unknown as WriteTrackingGlobals;
    if (write_map) write_map.value = writeMapAddress(this.#options.runtimeBytes);
    if (ram_base) ram_base.value = this.#placements[0]?.address ?? 0;
  }

  #facade(instance: Instance): V86Exports {
    const map = writeMapAddress(this.#options.runtimeBytes);
    const note = (start: number, end: number) => {
      if (end <= start) return;
      new Uint8Array(this.#view.buffer, map, writeMapBytes).fill(
        1,
        start >>> 12,
        ((end - 1) >>> 12) + 1,
      );
    };
    return {
      ...instance.exports,
      ...notingExports(instance.exports, note),
      memory: this.#view,
    } as unknown as V86Exports;
  }

  /** Sets constants of v86 that tools/wasm/transform.ts made settable. */
  setKnobs({ jitThreshold, loopCounter }: Knobs): void {
    const { jit_threshold, loop_counter } = this.#instance.exports as unknown as KnobGlobals;
    jit_threshold.value = jitThreshold;
    loop_counter.value = loopCounter;
  }

  /**
   * Runs the guest for about a millisecond.
   * @returns how long the guest is idle from now, ms; below 1 when it is not.
   */
  step(): number {
    this.#useClock();
    const { cpu } = this.#machine;
    for (let rounds = 0; ; rounds++) {
      const idleMs = cpu.main_loop();
      if (this.#jitQueue.length) this.#finishJit();
      const mayGoOn = idleMs < 1 && rounds < mostRounds;
      if (!mayGoOn || !measuresTime(cpu.devices.pit, this.#options.clock())) return idleMs;
    }
  }

  /**
   * v86's devices read a clock of their module's, its CPU the one it imports; a guest has only one.
   * Set before each step, because a machine that is being built shares the module.
   */
  #useClock(): void {
    this.#machine.constructor.microtick = this.#options.clock;
  }

  /**
   * Compiles what the JIT emitted. v86 holds a lock while it emits, so this cannot be done right
   * then; it is done when v86 next looks at its timers, because until then it emits no other module,
   * and at the latest after the step, so that nothing is half finished when the guest stops.
   */
  #finishJit(): void {
    const { exports, table, jitImports } = this.#instance;
    const finished = exports.codegen_finalize_finished as V86Function;
    for (const { index, start, flags, code } of this.#jitQueue.splice(0)) {
      const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { e: jitImports });
      table.set(index + tableOffset, instance.exports.f);
      finished(index, start, flags);
    }
  }

  /** Makes the instance that will take over in `memory`. Writes nothing there. */
  prepareMove(memory: WebAssembly.Memory): void {
    const { length } = this.#instance.table;
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: length });
    this.#incoming = this.#instantiate(memory, table);
  }

  /**
   * Points everything at `memory`, which must hold this shell's {@link ownRanges} as they
   * were when scratch memory was captured.
   */
  moveTo(memory: WebAssembly.Memory): void {
    if (!this.#incoming) throw new CprError('internal', 'This shell was not prepared to move.');
    this.#instance = this.#incoming;
    this.#incoming = undefined;
    const from = this.#view.buffer;
    this.#view.buffer = memory.buffer;
    const { cpu } = this;
    cpu.wm = { exports: this.#facade(this.#instance), wasm_table: this.#instance.table };
    cpu.wasm_patch();
    // Made from the scratch instance, for v86's own JIT finaliser, which is not in use.
    cpu.jit_imports = undefined;
    this.#useDirectViews(from);
  }

  /**
   * v86 wraps every view of its memory in a Proxy, because its memory can be detached by
   * growing. Ours cannot; plain typed arrays are many times faster.
   * @param from the buffer that the views are of, now or before a move.
   */
  #useDirectViews(from: ArrayBufferLike): void {
    const { cpu } = this;
    const { buffer } = this.#view;
    for (const object of [cpu, cpu.devices.vga] as Record<string, unknown>[]) {
      for (const [name, member] of Object.entries(object)) {
        const view = member as Uint8Array | null;
        if (typeof view !== 'object' || (view?.buffer !== from && view?.buffer !== buffer))
          continue;
        // The object that stands for the memory has a buffer too, but is no view.
        if (typeof view.byteOffset === 'number') object[name] = directView(buffer, view);
      }
    }
  }

  /** Ends v86's own part. Touches no memory. */
  destroy(): void {
    this.#machine.destroy();
  }
}

const viewConstructors = {
  Uint8Array,
  Uint16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
} as const;

function directView(buffer: ArrayBufferLike, view: Uint8Array): object {
  // Through v86's Proxy a constructor is a bound function: "bound Int32Array".
  const name = view.constructor.name.replace('bound ', '') as keyof typeof viewConstructors;
  const View = viewConstructors[name];
  if (!View)
    throw new CprError(
      'runtime-incompatible',
      `v86 has a view of a kind Holdfast does not know: ${name}.`,
    );
  return new View(buffer as ArrayBuffer, view.byteOffset, view.length);
}
