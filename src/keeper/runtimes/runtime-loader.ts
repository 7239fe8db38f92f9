import { HoldfastError } from '../../errors.ts';
import { abiVersion, type RuntimeModule } from '../../protocol/abi.ts';
import { fetchChecked } from '../../protocol/fetch-checked.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';

type ImportModule = (url: string) => Promise<unknown>;

type CompileModule = (source: RuntimeSource) => Promise<WebAssembly.Module | undefined>;

/** How long a page's word is waited for: by then the keeper would be half done itself. */
const checkedMs = 50;

/** Imports runtimes by URL, each once. Where a source has digests, no other files are run. */
export class RuntimeLoader {
  readonly #import: (source: RuntimeSource, isChecked?: Promise<boolean>) => Promise<unknown>;
  readonly #compile: CompileModule;
  readonly #modules = new Map<string, Promise<unknown>>();
  readonly #compiled = new Map<string, Promise<WebAssembly.Module | undefined>>();
  /** Whether the files of {@link #modules} are whole, as pages report it. */
  readonly #checked = new Map<string, Promise<boolean>>();

  /** `importModule` replaces `import()` in tests, which also compile nothing in advance. */
  constructor(importModule?: ImportModule) {
    this.#import = importModule ? ({ url }) => importModule(url) : importChecked;
    this.#compile = importModule ? async () => undefined : compileChecked;
  }

  /**
   * Returns the runtime's WebAssembly module, compiled while the runtime is imported. Without one
   * the runtime fetches it itself and reports errors.
   * @throws HoldfastError `runtime-unavailable`, if the source has a digest of it
   */
  compile(source: RuntimeSource): Promise<WebAssembly.Module | undefined> {
    const key = `${source.wasmUrl} ${source.wasmSha256 ?? ''}`;
    let compiling = this.#compiled.get(key);
    if (!compiling) {
      compiling = this.#compile(source).catch((thrown) => {
        this.#compiled.delete(key);
        if (source.wasmSha256 === undefined) return undefined;
        // Without an error here, the runtime would fetch it unchecked.
        const what = `${source.wasmUrl} could not be compiled`;
        throw HoldfastError.from(thrown, 'runtime-unavailable', what);
      });
      // The awaiting code handles the error.
      compiling.catch(() => {});
      this.#compiled.set(key, compiling);
    }
    return compiling;
  }

  /**
   * The page that names this source, and with it the digest, compares the two while the keeper starts.
   * The next {@link load} waits for its word, for a moment, before it does that itself.
   * @param port brings `true` once they agree
   */
  checkedAt(port: MessagePort, source: RuntimeSource): void {
    const isChecked = new Promise<boolean>((resolve) => {
      const settle = (isFine: boolean) => {
        clearTimeout(timer);
        port.close();
        resolve(isFine);
      };
      const timer = setTimeout(settle, checkedMs, false);
      port.addEventListener('message', ({ data }) => settle(data === true));
      port.start();
    });
    this.#checked.set(moduleKey(source), isChecked);
  }

  /** Begins what {@link compile} and {@link load} will be asked for, which then say what failed. */
  begin(source: RuntimeSource): void {
    void this.compile(source);
    this.load(source).catch(() => {});
  }

  /** @throws HoldfastError `runtime-unavailable` */
  async load(source: RuntimeSource): Promise<unknown> {
    const key = moduleKey(source);
    let loading = this.#modules.get(key);
    if (loading === undefined) {
      loading = this.#import(source, this.#checked.get(key));
      this.#checked.delete(key);
      this.#modules.set(key, loading);
    }
    try {
      return await loading;
    } catch (thrown) {
      // The next attempt requests it from the server again.
      this.#modules.delete(key);
      throw HoldfastError.from(
        thrown,
        'runtime-unavailable',
        `Runtime ${source.id} could not be loaded from ${source.url}`,
      );
    }
  }
}

const moduleKey = ({ url, sha256 }: RuntimeSource) => `${url} ${sha256 ?? ''}`;

/**
 * Imports a runtime after a check of its digest. `import()` takes no digest in workers, and strict
 * policies allow no `blob:` module. So the file is first fetched and checked, then imported from
 * the same address. The HTTP cache returns the same bytes if the server lets it keep them (ours
 * says `immutable`). A server that answers two requests in a row differently is not detected; it
 * could as well serve another keeper.
 */
async function importChecked(
  { url, sha256 }: RuntimeSource,
  isChecked: Promise<boolean> = Promise.resolve(false),
): Promise<unknown> {
  if (sha256 !== undefined && !(await isChecked)) await fetchChecked(url, sha256);
  return import(/* @vite-ignore */ url);
}

/** Compiles exactly the bytes that were checked. */
async function compileChecked({ wasmUrl, wasmSha256 }: RuntimeSource): Promise<WebAssembly.Module> {
  if (wasmSha256 === undefined) return WebAssembly.compileStreaming(fetch(wasmUrl));
  const response = await fetchChecked(wasmUrl, wasmSha256);
  const isTyped = response.headers.get('content-type')?.startsWith('application/wasm');
  // Some static hosts serve .wasm without its type, which streaming compilation requires.
  return isTyped
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

/** @throws HoldfastError `runtime-incompatible` */
export function checkRuntime(
  module: unknown,
  source: RuntimeSource,
): asserts module is RuntimeModule {
  const { abiVersion: found, prepare } = module as Partial<RuntimeModule>;
  if (typeof found !== 'number' || typeof prepare !== 'function') {
    throw new HoldfastError(
      'runtime-incompatible',
      `${source.url} is not a Holdfast runtime: it exports no abiVersion and prepare.`,
    );
  }
  if (found !== abiVersion) {
    throw new HoldfastError(
      'runtime-incompatible',
      `Runtime ${source.id} speaks ABI ${found}, this keeper speaks ABI ${abiVersion}. The guest ` +
        'can move to it only in a newer keeper: move it there first, with upgradeKeeper().',
    );
  }
}
