/** Compiles the transformed v86.wasm (tools/wasm/transform.ts) and creates instances of it. */
import { HoldfastError } from '../../errors.ts';
import type { PrepareRequest } from '../../protocol/abi.ts';

interface DataSegment {
  address: number;
  bytes: Uint8Array;
}

export interface V86Wasm {
  module: WebAssembly.Module;
  segments: DataSegment[];
  /** The module's minimum memory: its static data, stack and bss. */
  staticBytes: number;
  /** `xxh64:…` of the module up to the section that holds it, see tools/wasm/transform.ts. */
  digest: string | undefined;
  /** True if a guest has run on it in this worker, see warm-up.ts. */
  warm: boolean;
}

/** Reads the custom section that tools/wasm/transform.ts writes. */
function parseDataSection(section: ArrayBuffer): Pick<V86Wasm, 'segments' | 'staticBytes'> {
  const bytes = new Uint8Array(section);
  const segments: DataSegment[] = [];
  let offset = 0;
  const u32 = () => {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[offset++] ?? 0;
      result |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return result >>> 0;
    }
  };
  const staticBytes = u32() * 65536;
  while (offset < bytes.length) {
    const address = u32();
    const length = u32();
    segments.push({ address, bytes: bytes.subarray(offset, offset + length) });
    offset += length;
  }
  return { segments, staticBytes };
}

/**
 * @throws {HoldfastError} `runtime-unavailable` if it cannot be fetched or compiled, or is not a
 * transformed v86.wasm.
 */
export async function compileV86Wasm({
  wasmUrl: url,
  module: compiling,
  signal,
}: Pick<PrepareRequest, 'wasmUrl' | 'module' | 'signal'>): Promise<V86Wasm> {
  const module = (await compiling) ?? (await compile(url, signal));
  const [section] = WebAssembly.Module.customSections(module, 'holdfast.data');
  if (!section)
    throw new HoldfastError('runtime-unavailable', `${url} is not a v86.wasm built for Holdfast.`);
  const [digest] = WebAssembly.Module.customSections(module, 'holdfast.digest');
  return {
    module,
    warm: false,
    digest: digest && new TextDecoder().decode(digest),
    ...parseDataSection(section),
  };
}

async function compile(url: string, signal: AbortSignal | undefined): Promise<WebAssembly.Module> {
  try {
    const response = await fetch(url, signal ? { signal } : {});
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    // Some static hosts serve .wasm without its type, which streaming compilation requires.
    const typed = response.headers.get('content-type')?.startsWith('application/wasm');
    return typed
      ? await WebAssembly.compileStreaming(response)
      : await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    throw HoldfastError.from(cause, 'runtime-unavailable', `The v86.wasm at ${url} cannot be used`);
  }
}
