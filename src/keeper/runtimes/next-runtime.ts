import { HoldfastError, type RestartPhase } from '../../errors.ts';
import type { PreparedRuntime, PrepareRequest, RuntimeModule } from '../../protocol/abi.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import { abortable, withDeadline } from './abortable.ts';
import { GatedHost, type HostBacking } from './gated-host.ts';
import { checkRuntime, type RuntimeLoader } from './runtime-loader.ts';

/**
 * Longest wait for steps during which the guest runs; without a limit one could block updates for
 * ever.
 */
const limitMs = { fetch: 60_000, prepare: 120_000, stop: 10_000 } as const;

export interface ReadyRuntime {
  prepared: PreparedRuntime;
  host: GatedHost;
  prepareMs: number;
}

/** Releases a prepared runtime that does not take the guest after all. */
export function discardReady({ prepared, host }: ReadyRuntime): void {
  host.gate = 'closed';
  try {
    prepared.discard();
  } catch (thrown) {
    console.warn('A prepared runtime could not be discarded:', thrown);
  }
}

/** Prepares a machine's next runtime while the guest runs in its present one. */
export class NextRuntime {
  readonly #loader: RuntimeLoader;
  readonly #backing: HostBacking;
  readonly #gone: AbortSignal;
  #preparing = false;

  /** @param gone aborts when the machine ends */
  constructor(loader: RuntimeLoader, backing: HostBacking, gone: AbortSignal) {
    this.#loader = loader;
    this.#backing = backing;
    this.#gone = gone;
  }

  /**
   * True while a runtime is being prepared, even for an abandoned restart: it owns scratch memory.
   */
  get preparing(): boolean {
    return this.#preparing;
  }

  /** @throws HoldfastError `busy` while one is being prepared */
  requireIdle(): void {
    if (!this.#preparing) return;
    throw new HoldfastError('busy', 'A runtime is still being made ready: wait for its end.');
  }

  /**
   * Prepares a runtime.
   * @param incoming true for the machine's first runtime, if the guest comes from storage
   * @throws HoldfastError in phase `fetch` or `prepare`
   */
  async prepare(source: RuntimeSource, { incoming = false } = {}): Promise<ReadyRuntime> {
    const beganMs = performance.now();
    const module = await this.bounded('fetch', source, () => this.#loader.load(source));
    const host = new GatedHost(this.#backing);
    const prepared = await this.bounded('prepare', source, async (signal) => {
      checkRuntime(module, source);
      const { wasmUrl, wasmSha256 } = source;
      const preparing = module.prepare(host, {
        wasmUrl,
        // Otherwise the runtime fetches it itself, without a check.
        ...(wasmSha256 !== undefined && { module: this.#loader.compile(source) }),
        coldBoot: incoming,
        incoming,
        signal,
      });
      this.#preparing = true;
      const settled = () => {
        this.#preparing = false;
      };
      preparing.then(settled, settled);
      return orDiscard(preparing, signal);
    });
    return { prepared, host, prepareMs: performance.now() - beganMs };
  }

  /**
   * Waits for one phase of a restart, limited by a deadline and by the machine's end.
   * @throws HoldfastError in this phase
   */
  async bounded<T>(
    phase: RestartPhase & keyof typeof limitMs,
    source: RuntimeSource,
    begin: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await withDeadline(limitMs[phase], this.#gone, begin);
    } catch (thrown) {
      throw HoldfastError.from(
        adoptHoldfastError(thrown),
        phase === 'stop' ? 'runtime-failed' : 'runtime-unavailable',
        `The restart with runtime ${source.id} failed in phase "${phase}", the guest was not touched`,
        phase,
      );
    }
  }
}

/** Prepares a machine's first runtime. */
export function prepareFirst(
  module: RuntimeModule,
  host: GatedHost,
  request: PrepareRequest & { signal: AbortSignal },
): Promise<PreparedRuntime> {
  return orDiscard(module.prepare(host, request), request.signal);
}

/** Waits until `signal` aborts. A runtime that becomes ready afterwards is discarded. */
function orDiscard(
  preparing: Promise<PreparedRuntime>,
  signal: AbortSignal,
): Promise<PreparedRuntime> {
  preparing.then(
    (prepared) => signal.aborted && prepared.discard(),
    () => {},
  );
  return abortable(preparing, signal);
}
