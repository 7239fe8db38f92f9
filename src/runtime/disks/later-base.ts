/**
 * A disk whose server was unreachable when the guest was restored. The guest's state holds its
 * identity, and it is opened at the guest's first read. So a guest without its CD can resume.
 */
import { HoldfastError } from '../../errors.ts';
import type { DiskBase } from './disk-base.ts';
import { ChangedError } from './range-fetch.ts';
import { TransientError } from './retry.ts';

interface LaterBaseOptions {
  sizeBytes: number;
  /** @throws as {@link DiskBase.read} */
  open(signal: AbortSignal | undefined): Promise<DiskBase>;
}

export class LaterBase implements DiskBase {
  readonly #options: LaterBaseOptions;
  #base: DiskBase | undefined;

  constructor(options: LaterBaseOptions) {
    this.#options = options;
  }

  get sizeBytes(): number {
    return this.#options.sizeBytes;
  }

  readNow(start: number, length: number): Uint8Array | undefined {
    return this.#base?.readNow(start, length);
  }

  async read(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    this.#base ??= await this.#options.open(signal);
    return this.#base.read(start, length, signal);
  }
}

/** Returns true if a medium could not be opened for lack of an answer, not because of one. */
export function isAway(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause as unknown) {
    // `fetch` throws a TypeError; our own limit throws a TimeoutError.
    if (error instanceof TransientError || error.name === 'TypeError') return true;
    if (error.name === 'TimeoutError') return true;
  }
  return false;
}

interface Identity {
  device: string;
  base: string;
  sizeBytes: number;
  baseDigest?: string;
}

/**
 * @throws HoldfastError `image-unavailable` if the disk does not match the one that the guest has
 * used
 */
export function requireSameDisk(was: Identity, is: Identity): void {
  if (was.sizeBytes === is.sizeBytes && was.baseDigest === is.baseDigest) return;
  const why = `it has ${is.sizeBytes} bytes (${is.baseDigest ?? 'no version'}), and had ${was.sizeBytes} (${was.baseDigest ?? 'no version'})`;
  throw new HoldfastError(
    'image-unavailable',
    `The disk in ${was.device} (${is.base}) is not the one that the guest has been using: ${why}. Put the former one back.`,
    { cause: new ChangedError(why) },
  );
}
