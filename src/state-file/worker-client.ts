/** A worker for one state file. */
import { HoldfastError } from '../errors.ts';
import { fromWireError } from '../protocol/wire-error.ts';
import type {
  CompressJob,
  EndCommand,
  MoreAnswer,
  OpenCommand,
  ReadJob,
  WorkerMessage,
  WriteJob,
} from './worker-protocol.ts';

type MessageOf<T extends WorkerMessage['type']> = Extract<WorkerMessage, { type: T }>;

/** Interface of such a worker: a web worker, or a substitute where there are none. */
export interface StateWorkerPort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: { data: WorkerMessage }) => void): void;
  addEventListener(type: 'error', listener: (event: { message: string }) => void): void;
  terminate(): void;
}

/**
 * Time for a worker to notify a keeper that its guest does not come: not every browser reports that
 * the worker is gone.
 */
const drainMs = 2_000;

let open = (): StateWorkerPort => {
  throw new HoldfastError('internal', 'This build names no worker for state files.');
};

/**
 * Sets how workers are started. Each kind of build finds the worker's script in its own way: a site
 * by its bundler, the npm package as a file beside its modules, Node as a thread.
 */
export function openStateWorkersBy(opener: () => StateWorkerPort): void {
  open = opener;
}

export class StateWorker {
  readonly #worker = open();
  #isEnding = false;
  /** Rejects when a command of the worker fails. */
  readonly failed: Promise<never>;

  constructor() {
    this.failed = new Promise<never>((_, reject) => {
      this.on('failed', ({ error }) => reject(fromWireError(error)));
      this.#worker.addEventListener('error', ({ message }) => reject(failure(message)));
    });
    // The waiting code gets the error; there may be none.
    this.failed.catch(() => {});
  }

  on<T extends WorkerMessage['type']>(type: T, listener: (message: MessageOf<T>) => void): void {
    this.#worker.addEventListener('message', ({ data }) => {
      if (data.type === type) listener(data as MessageOf<T>);
    });
  }

  /** @throws HoldfastError of the worker */
  next<T extends WorkerMessage['type']>(type: T): Promise<MessageOf<T>> {
    return Promise.race([
      this.failed,
      new Promise<MessageOf<T>>((resolve) => this.on(type, resolve)),
    ]);
  }

  post(
    command: WriteJob | ReadJob | OpenCommand | MoreAnswer | CompressJob,
    transfer: Transferable[],
  ): void {
    this.#worker.postMessage(command, transfer);
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const terminate = () => this.#worker.terminate();
    const timer = setTimeout(terminate, drainMs);
    this.on('ended', () => {
      clearTimeout(timer);
      terminate();
    });
    this.#worker.postMessage({ type: 'end' } satisfies EndCommand, []);
  }
}

/**
 * Returns the error of a worker. A script that cannot be fetched causes an event without a message.
 */
const failure = (message: string | undefined) =>
  message
    ? new HoldfastError('internal', `The worker for state files failed: ${message}`)
    : new HoldfastError(
        'part-unavailable',
        'The script of the worker for state files could not be loaded. If the site was updated meanwhile, reload the page: the guest continues.',
      );
