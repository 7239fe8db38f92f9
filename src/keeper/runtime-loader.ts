import { CprError } from '../errors.ts';
import { abiVersion, type RuntimeModule } from '../protocol/abi.ts';
import type { RuntimeSource } from '../protocol/keeper-api.ts';

export type ImportModule = (url: string) => Promise<unknown>;

type CompileModule = (wasmUrl: string) => Promise<WebAssembly.Module | undefined>;

/** Imports runtimes by URL, each once. */
export class RuntimeLoader {
  readonly #import: ImportModule;
  readonly #compile: CompileModule;
  readonly #modules = new Map<string, Promise<unknown>>();
  readonly #compiled = new Map<string, Promise<WebAssembly.Module | undefined>>();

  /** `importModule` is `import()` but in tests, which compile nothing beforehand either. */
  constructor(importModule?: ImportModule) {
    this.#import = importModule ?? ((url) => import(/* @vite-ignore */ url));
    this.#compile = importModule
      ? async () => undefined
      : (url) => WebAssembly.compileStreaming(fetch(url));
  }

  /**
   * The runtime's WebAssembly module, which is compiled while the runtime is imported.
   * Without one the runtime fetches it itself, and says what is wrong with it.
   */
  compile({ wasmUrl }: RuntimeSource): Promise<WebAssembly.Module | undefined> {
    let compiling = this.#compiled.get(wasmUrl);
    if (!compiling) {
      compiling = this.#compile(wasmUrl).catch(() => undefined);
      this.#compiled.set(wasmUrl, compiling);
    }
    return compiling;
  }

  /** Begins what {@link compile} and {@link load} will be asked for, which then say what failed. */
  begin(source: RuntimeSource): void {
    void this.compile(source);
    this.load(source).catch(() => {});
  }

  /** @throws CprError `runtime-unavailable` */
  async load(source: RuntimeSource): Promise<unknown> {
    let loading = this.#modules.get(source.url);
    if (loading === undefined) {
      loading = this.#import(source.url);
      this.#modules.set(source.url, loading);
    }
    try {
      return await loading;
    } catch (thrown) {
      // The next attempt asks the server again.
      this.#modules.delete(source.url);
      this.#compiled.delete(source.wasmUrl);
      throw CprError.from(
        thrown,
        'runtime-unavailable',
        `Runtime ${source.id} could not be loaded from ${source.url}`,
      );
    }
  }
}

/** @throws CprError `runtime-incompatible` */
export function checkRuntime(
  module: unknown,
  source: RuntimeSource,
): asserts module is RuntimeModule {
  const { abiVersion: found, prepare } = module as Partial<RuntimeModule>;
  if (typeof found !== 'number' || typeof prepare !== 'function') {
    throw new CprError(
      'runtime-incompatible',
      `${source.url} is not a Holdfast runtime: it exports no abiVersion and prepare.`,
    );
  }
  if (found !== abiVersion) {
    throw new CprError(
      'runtime-incompatible',
      `Runtime ${source.id} speaks ABI ${found}, this keeper speaks ABI ${abiVersion}. The guest ` +
        'can move to it only in a new keeper: close all pages of this site, then open it again.',
    );
  }
}
