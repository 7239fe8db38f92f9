/** Connects this page's keeper and the worker that reads and writes state files. */
import { HoldfastError } from '../errors.ts';
import type { MachineConfig } from '../protocol/config.ts';
import { toBeAsked } from '../protocol/reach.ts';
import { handOver, type RemoteKeeper } from '../protocol/rpc.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { ExportReport, ImportReport } from '../protocol/state-transfer.ts';
import { StateFile, writeStateFile } from '../state-file/state-file.ts';
import type {
  ExportStateOptions,
  StateFileInfo,
  StateSource,
  StateUrl,
} from '../state-file/types.ts';
import { StateWorker } from '../state-file/worker-client.ts';
import type { OpenStateOptions } from './start-options.ts';

/** Makes the browser cache all files of the worker for state files. */
export async function cacheStateWorker(): Promise<void> {
  const worker = new StateWorker();
  try {
    // A minimal job that loads every file that a real one needs.
    worker.post({ type: 'compress', raw: new Uint8Array(1), level: 1 }, []);
    await worker.next('compressed');
  } finally {
    worker.end();
  }
}

/** @param send makes the keeper send a guest to this port */
export function exportState(
  send: (port: MessagePort) => Promise<ExportReport>,
  options: ExportStateOptions,
): ReadableStream<Uint8Array> {
  const { port1, port2 } = new MessageChannel();
  const exported = send(port1);
  const file = writeStateFile(port2, options);
  // Errors of the keeper arrive through the port as well, unless the call never reached it.
  const failed = exported.then(
    () => new Promise<never>(() => {}),
    (thrown) => Promise.reject(thrown),
  );
  failed.catch(() => {});
  return failingWith(file, failed);
}

/** Returns a stream that also fails when `failed` rejects. */
function failingWith(
  stream: ReadableStream<Uint8Array>,
  failed: Promise<never>,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await Promise.race([reader.read(), failed]);
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Refuses what a state must not reach from here, even if it was approved. @throws HoldfastError `not-approved` */
export type RequirePublic = (
  reached: Pick<StateFileInfo, 'urls'>,
  options: Partial<OpenStateOptions>,
) => Promise<void>;

/** Decisions of the attached program about every state that it opens. */
export interface OpeningRules {
  /** See {@link ConnectOptions.runtimes}. */
  runtimes?: readonly RuntimeSource[] | undefined;
  requirePublic?: RequirePublic | undefined;
}

export async function openState(
  keeper: Pick<RemoteKeeper, 'openState'>,
  source: StateSource | StateFile,
  options: OpenStateOptions,
  requirePublic?: RequirePublic,
): Promise<ImportReport> {
  const file = source instanceof StateFile ? source : await StateFile.read(source, options);
  try {
    await requireApproval(file.info, options);
    await requirePublic?.(file.info, options);
    // Not at the same time as the first question: a user who sees one of them would answer both.
    file.onMore((sizeBytes) => options.approve?.([memoryItem(sizeBytes)]) ?? false);
    const { runtime, replace = false, identity = 'clone' } = options;
    const cancelled = aborted(options.signal ?? file.signal);
    // A later `Promise.race` handles the rejection.
    cancelled.catch(() => {});
    const { config, ranges, guest, canBeLazy, failed } = await Promise.race([
      file.open(),
      cancelled,
    ]);
    // The network card of a clone gets a new address, and its states get a new lineage.
    const { mac: _mac, lineage: _lineage, ...rest } = config;
    const own = identity === 'clone' ? rest : { ...config, id: file.info.machineId };
    // The author is unknown. Unless the caller sets `foreign`, the state counts as foreign.
    const { foreign = identity === 'clone' } = options.config ?? {};
    const request = {
      config: { ...own, ...options.config, ...(foreign && { foreign }) },
      runtime,
      ranges,
      replace,
      identity,
      canBeLazy,
    };
    const imported = keeper.openState(handOver(request, buffersIn(config)), guest);
    imported.catch(() => {});
    try {
      return await Promise.race([imported, failed, cancelled]);
    } catch (thrown) {
      // A caller that tries again must not find the keeper still busy with this state.
      file.close();
      const refused = await failureOf(imported, keeperMs);
      // A keeper that refuses a guest cancels its transfer, and the worker's error may arrive
      // first.
      const isEcho = thrown instanceof HoldfastError && thrown.code === 'cancelled';
      const isOwn = options.signal?.aborted || file.signal?.aborted;
      throw isEcho && !isOwn && refused instanceof HoldfastError ? refused : thrown;
    }
  } finally {
    file.close();
  }
}

/** Buffers of disks and images that came with the state: only the keeper needs them. */
function buffersIn(config: MachineConfig): ArrayBuffer[] {
  const sources: unknown[] = Object.values(config);
  return sources
    .map((source) => (Object(source) as { bytes?: Uint8Array<ArrayBuffer> }).bytes?.buffer)
    .filter((buffer) => buffer instanceof ArrayBuffer);
}

/** Longest wait for a keeper to notice that no guest follows. */
const keeperMs = 5_000;

/**
 * @returns the reason of the rejection; undefined if the promise does not reject, or not in time
 */
function failureOf(promise: Promise<unknown>, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    const done = (thrown?: unknown) => {
      clearTimeout(timer);
      resolve(thrown);
    };
    promise.then(() => done(), done);
  });
}

const memoryItem = (sizeBytes: number): StateUrl => ({
  purpose: 'memory',
  url: '',
  isSameOrigin: false,
  sizeBytes,
});

/** @throws HoldfastError `not-approved` */
async function requireApproval(
  { urls }: StateFileInfo,
  { approve }: OpenStateOptions,
): Promise<void> {
  const asked = toBeAsked(urls);
  if (asked.length === 0 || (await approve?.(asked))) return;
  const names = asked.map(({ purpose, kind, url }) => url || `${purpose} "${kind}"`);
  throw new HoldfastError(
    'not-approved',
    `This state reaches others: ${names.join(', ')}. That was not approved.`,
  );
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () =>
      reject(HoldfastError.from(signal?.reason, 'cancelled', 'Opening the state was cancelled'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
  });
}
