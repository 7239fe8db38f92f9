/** A failure that may pass: an unreachable network, an overloaded server. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
}

/** Waits between tries, ms; the last one is repeated. */
const backoffMs = [100, 250, 500, 1000, 2000, 4000, 8000] as const;

interface RetryOptions {
  signal?: AbortSignal | undefined;
  /** Called for each failure that is followed by a retry. */
  failed(error: TransientError): void;
  /** Called once a retry has succeeded. */
  recovered(): void;
}

/** Retries while the attempt fails with a {@link TransientError}; other errors are thrown. */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal } = options;
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    try {
      const result = await attempt();
      if (failures) options.recovered();
      return result;
    } catch (thrown) {
      if (!(thrown instanceof TransientError) || signal?.aborted) throw thrown;
      options.failed(thrown);
    }
    await pause(backoffMs[Math.min(failures, backoffMs.length - 1)] ?? 0, signal);
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}
