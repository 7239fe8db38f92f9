/** One instance of v86.wasm with its table, and what tools/wasm/transform.ts added to it. */
import { notingExports, writeMapAddress, writeMapBytes } from './write-tracking.ts';

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

interface WasmInstanceOptions {
  module: WebAssembly.Module;
  env: V86Env;
  memory: WebAssembly.Memory;
  table: WebAssembly.Table;
  runtimeBytes: number;
}

export class WasmInstance {
  readonly exports: Record<string, V86Function>;
  readonly table: WebAssembly.Table;
  /** What JIT modules import. */
  readonly jitImports: WebAssembly.ModuleImports;
  readonly #writeMap: number;

  constructor({ module, env, memory, table, runtimeBytes }: WasmInstanceOptions) {
    const { exports } = new WebAssembly.Instance(module, {
      env: { ...env, memory, __indirect_function_table: table } as WebAssembly.ModuleImports,
    });
    this.exports = exports as unknown as Record<string, V86Function>;
    this.table = table;
    this.jitImports = { ...this.exports, m: memory };
    this.#writeMap = writeMapAddress(runtimeBytes);
  }

  /** Whether the module notes what the guest writes. */
  get tracksWrites(): boolean {
    return 'write_map' in this.exports;
  }

  /** Tells the module where to note writes, and where guest memory begins once that is known. */
  locateWrites(ramAddress = 0): void {
    const { write_map, ram_base } = this.exports as unknown as WriteTrackingGlobals;
    if (write_map) write_map.value = this.#writeMap;
    if (ram_base) ram_base.value = ramAddress;
  }

  /** Sets constants of v86. */
  setKnobs({ jitThreshold, loopCounter }: Knobs): void {
    const { jit_threshold, loop_counter } = this.exports as unknown as KnobGlobals;
    jit_threshold.value = jitThreshold;
    loop_counter.value = loopCounter;
  }

  /**
   * What v86's JavaScript calls.
   * @param view its memory, for as long as it lives
   */
  facade(view: { buffer: ArrayBufferLike }): V86Exports {
    const note = (start: number, end: number) => {
      if (end <= start) return;
      new Uint8Array(view.buffer, this.#writeMap, writeMapBytes).fill(
        1,
        start >>> 12,
        ((end - 1) >>> 12) + 1,
      );
    };
    return {
      ...this.exports,
      ...notingExports(this.exports, note),
      memory: view,
    } as unknown as V86Exports;
  }
}
