/**
 * Finishes the modules that v86's JIT emits.
 *
 * They import the runtime's memory as `e.m` and declare it unshared, which does not match a shared
 * memory. So the import is rewritten. The code is first copied out of the shared memory, because
 * WebAssembly refuses shared buffers as source.
 */
import { HoldfastError } from '../../errors.ts';
import type { WasmInstance } from './wasm-instance.ts';

/** v86 keeps its own functions below this index of the table. */
export const tableOffset = 1024;

const sectionImport = 2;
const importKindMemory = 2;
const maximumPagesLeb = [0x80, 0x80, 0x04]; // 65536

function leb(value: number): number[] {
  const out: number[] = [];
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 0x80) return [...out, rest];
    out.push((rest & 0x7f) | 0x80);
  }
}

/**
 * @param code a module as v86's JIT emits it; may be backed by shared memory.
 * @returns an unshared copy whose import of `e.m` is a shared memory.
 */
function shareMemoryImport(code: Uint8Array): Uint8Array<ArrayBuffer> {
  let offset = 8;
  const u32 = (): number => {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = code[offset++] ?? 0;
      result |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return result >>> 0;
    }
  };
  const skipName = () => {
    const length = u32();
    offset += length;
  };
  while (offset < code.length) {
    const sectionStart = offset;
    const id = code[offset++];
    const length = u32();
    if (id !== sectionImport) {
      offset += length;
      continue;
    }
    const payload = offset;
    const end = payload + length;
    for (let count = u32(); count > 0; count--) {
      skipName();
      skipName();
      const kind = code[offset++];
      if (kind !== importKindMemory) {
        u32(); // a function's type index; v86 imports nothing else
        continue;
      }
      const limits = offset;
      if (code[offset++] !== 0) break;
      u32(); // the minimum stays
      const head = code.subarray(payload, limits);
      const minimum = code.subarray(limits + 1, offset);
      const tail = code.subarray(offset, end);
      const size = leb(length + maximumPagesLeb.length);
      const out = new Uint8Array(sectionStart + 1 + size.length + length + 3 + code.length - end);
      let at = 0;
      const put = (bytes: ArrayLike<number>) => {
        out.set(bytes, at);
        at += bytes.length;
      };
      put(code.subarray(0, sectionStart));
      put([sectionImport]);
      put(size);
      put(head);
      put([0x03]); // shared, with a maximum
      put(minimum);
      put(maximumPagesLeb);
      put(tail);
      put(code.subarray(end));
      return out;
    }
    break;
  }
  throw new HoldfastError(
    'runtime-incompatible',
    "v86's JIT emitted a module that does not import its memory the way Holdfast knows.",
  );
}

/** A module that the JIT emitted and that is not compiled yet. */
interface JitModule {
  index: number;
  start: number;
  flags: number;
  code: Uint8Array<ArrayBuffer>;
}

/**
 * Modules of the JIT that wait for compilation. While v86 emits a module, it holds a lock, so the
 * module cannot be compiled at once. It is compiled when v86 next checks its timers, since v86 emits
 * no other module before that. After the step at the latest, nothing is left unfinished when the guest
 * stops.
 */
export class JitQueue {
  readonly #modules: JitModule[] = [];

  add(index: number, start: number, flags: number, code: Uint8Array): void {
    this.#modules.push({ index, start, flags, code: shareMemoryImport(code) });
  }

  /** Compiles all waiting modules. */
  finish({ exports, table, jitImports }: WasmInstance): void {
    if (this.#modules.length === 0) return;
    const finished = exports.codegen_finalize_finished as V86Function;
    for (const { index, start, flags, code } of this.#modules.splice(0)) {
      const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { e: jitImports });
      table.set(index + tableOffset, instance.exports.f);
      finished(index, start, flags);
    }
  }
}
