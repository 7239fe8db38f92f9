/**
 * Workers that compress for the writer of a state file, since compression is most of the work. They
 * run the same script, see state-worker.ts.
 */
import { HoldfastError } from '../errors.ts';
import { scriptUrl } from '../protocol/script-url.ts';
import { fromWireError } from '../protocol/wire-error.ts';
import { loadCodec } from './format/codec.ts';
import { compressed, type Stored } from './format/frame.ts';
import type { CompressJob, WorkerMessage } from './worker-protocol.ts';

/** Each takes some 30 MiB for its tables. */
const mostWorkers = 3;
/** Frames that each has to do at a time, so that none waits for the next one. */
const framesEach = 4;
/** For less data, the transfer takes longer than the compression. */
const leastBytes = 256 << 10;

/**
 * Compresses bytes, or stores them unchanged if compression gains nothing. Takes over the bytes.
 */
export type Compress = (raw: Uint8Array<ArrayBuffer>, level: number) => Promise<Stored>;

interface Waiting extends CompressJob {
  resolve(stored: Stored): void;
  reject(thrown: unknown): void;
}

export class CompressionWorkers {
  /** Useful number of frames in progress at a time. */
  readonly parallel: number;
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #waiting: Waiting[] = [];

  /** @param isLarge true if workers are worth their start */
  constructor({ isLarge }: { isLarge: boolean }) {
    const count = Math.min(navigator.hardwareConcurrency ?? 1, mostWorkers);
    // Some browsers do not allow a worker to start others.
    if (isLarge && count > 1 && typeof Worker === 'function')
      for (let i = 0; i < count; i++) this.#workers.push(newWorker());
    this.#idle.push(...this.#workers);
    this.parallel = Math.max(1, this.#workers.length * framesEach);
  }

  readonly compress: Compress = async (raw, level) => {
    if (this.#workers.length === 0 || raw.length < leastBytes)
      return compressed(raw, await loadCodec(), level);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ type: 'compress', raw, level, resolve, reject });
      this.#next();
    });
  };

  end(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  #next(): void {
    const worker = this.#waiting.length > 0 ? this.#idle.pop() : undefined;
    const job = worker && this.#waiting.shift();
    if (!job) return;
    const { type, raw, level, resolve, reject } = job;
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      this.#idle.push(worker);
      if (data.type === 'compressed') resolve(data.stored);
      else if (data.type === 'failed') reject(fromWireError(data.error));
      this.#next();
    };
    worker.onerror = ({ message }) =>
      reject(new HoldfastError('internal', `A worker that compresses failed: ${message}`));
    worker.postMessage({ type, raw, level } satisfies CompressJob, [raw.buffer]);
  }
}

const newWorker = () => new Worker(scriptUrl(globalThis.location.href), { type: 'module' });
