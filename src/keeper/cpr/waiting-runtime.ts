import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { discardReady, type NextRuntime, type ReadyRuntime } from '../runtimes/next-runtime.ts';

/** A runtime that waits for a guest to load. */
export interface WaitingRuntime {
  source: RuntimeSource;
  /** Absent once it has failed to load one. */
  ready: ReadyRuntime | undefined;
}

/** The runtime that waits, or another one in its place. */
export async function getReady(
  next: NextRuntime,
  waiting: WaitingRuntime,
  source: RuntimeSource,
  options?: { incoming?: boolean },
): Promise<ReadyRuntime> {
  const { ready } = waiting;
  const { url, wasmUrl } = waiting.source;
  if (ready && source.url === url && source.wasmUrl === wasmUrl) return ready;
  discardWaiting(waiting);
  waiting.source = source;
  waiting.ready = await next.prepare(source, options);
  return waiting.ready;
}

/** The memory in which a runtime is made ready has room for one. */
export function discardWaiting(waiting: WaitingRuntime): void {
  if (waiting.ready) discardReady(waiting.ready);
  waiting.ready = undefined;
}
