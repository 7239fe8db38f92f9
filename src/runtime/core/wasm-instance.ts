/** One instance of v86.wasm with its table and the additions of tools/wasm/transform.ts. */
import {
  type FrameBufferGlobals,
  locateFrameBuffer,
  protectFrameBuffer,
  videoListAddress,
} from './frame-buffer.ts';
import { notingExports, writeMapAddress, writeMapBytes } from './write-tracking.ts';

export interface Knobs {
  /** Instructions that the guest must run in a page before the JIT compiles it. */
  jitThreshold: number;
  /** Instructions between two checks of timers, interrupts and JIT output. */
  loopCounter: number;
}

/** Added by tools/wasm/transform.ts. */
interface KnobGlobals {
  jit_threshold: WebAssembly.Global<'i32'>;
  loop_counter: WebAssembly.Global<'i32'>;
}

/** Absent if tools/wasm/track-writes.ts could not patch this version. */
interface WriteTrackingGlobals {
  write_map?: WebAssembly.Global<'i32'>;
  ram_base?: WebAssembly.Global<'i32'>;
  /** Address of the TLB. Constant. */
  tlb_data?: WebAssembly.Global<'i32'>;
}

/** A part of guest memory, as the allocator placed it. */
export interface MemoryPlace {
  address: number;
  sizeBytes: number;
}

/** Absent if tools/wasm/absent-pages.ts could not patch this version. */
interface AbsentPagesGlobals {
  /** 1 while pages of guest RAM are absent. */
  absent_pages: WebAssembly.Global<'i32'>;
  /** Functions that run now, of which a part cannot be repeated. */
  unrepeatable: WebAssembly.Global<'i32'>;
  /** Deliveries of interrupts that run now. */
  delivering: WebAssembly.Global<'i32'>;
  /** Address of the page directory pointers. Constant. */
  pdpte_data: WebAssembly.Global<'i32'>;
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
  /** Imports of JIT modules. */
  readonly jitImports: WebAssembly.ModuleImports;
  readonly #writeMap: number;
  readonly #videoList: number;

  constructor({ module, env, memory, table, runtimeBytes }: WasmInstanceOptions) {
    const { exports } = new WebAssembly.Instance(module, {
      env: { ...env, memory, __indirect_function_table: table } as WebAssembly.ModuleImports,
    });
    this.exports = exports as unknown as Record<string, V86Function>;
    this.table = table;
    this.jitImports = { ...this.exports, m: memory };
    this.#writeMap = writeMapAddress(runtimeBytes);
    this.#videoList = videoListAddress(runtimeBytes);
  }

  /** True if the module tracks the guest's writes. */
  get tracksWrites(): boolean {
    return 'write_map' in this.exports;
  }

  /** Address of the TLB, if it is known. */
  get tlbAddress(): number | undefined {
    return (this.exports as unknown as WriteTrackingGlobals).tlb_data?.value;
  }

  /** Sets the address of the write map, and the places of guest memory once they are known. */
  locate(ram?: MemoryPlace, vram?: MemoryPlace): void {
    const globals = this.exports as unknown as WriteTrackingGlobals & FrameBufferGlobals;
    const { write_map, ram_base } = globals;
    if (write_map) write_map.value = this.#writeMap;
    if (ram_base) ram_base.value = ram?.address ?? 0;
    locateFrameBuffer(globals, { ram, vram, listAddress: this.#videoList });
  }

  /** Starts to note the changes of the next picture, after one was taken. */
  protectFrameBuffer(buffer: ArrayBufferLike): void {
    const globals = this.exports as unknown as FrameBufferGlobals;
    const { tlbAddress } = this;
    if (tlbAddress !== undefined) protectFrameBuffer(globals, { buffer, tlbAddress });
  }

  /** Sets constants of v86. */
  setKnobs({ jitThreshold, loopCounter }: Knobs): void {
    const { jit_threshold, loop_counter } = this.exports as unknown as KnobGlobals;
    jit_threshold.value = jitThreshold;
    loop_counter.value = loopCounter;
  }

  /** Sets the number of instructions between two checks, until the next {@link setKnobs}. */
  setLoopCounter(instructions: number): void {
    (this.exports as unknown as KnobGlobals).loop_counter.value = instructions;
  }

  /** True if the module can wait for absent pages. */
  get asksAboutPages(): boolean {
    return 'absent_pages' in this.exports;
  }

  askAboutPages(asks: boolean): void {
    const { absent_pages, unrepeatable, delivering } = this.#absentPages;
    absent_pages.value = Number(asks);
    // An error that was thrown through v86 left them.
    unrepeatable.value = 0;
    delivering.value = 0;
  }

  isUnrepeatable(isProtectedMode: boolean): boolean {
    const { unrepeatable, delivering } = this.#absentPages;
    return unrepeatable.value > 0 || (delivering.value > 0 && !isProtectedMode);
  }

  get directoryPointersAddress(): number {
    return this.#absentPages.pdpte_data.value;
  }

  get #absentPages(): AbsentPagesGlobals {
    return this.exports as unknown as AbsentPagesGlobals;
  }

  /**
   * Returns the exports for v86's JavaScript.
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
