/** How much a guest may write to its disks before it is paused. */
import { usualLimits } from '../../protocol/limits.ts';

export class DiskLimit {
  #bytes: number;
  readonly #stepBytes: number;

  constructor(diskMiB: number = usualLimits.diskMiB) {
    this.#bytes = diskMiB * 2 ** 20;
    this.#stepBytes = Math.ceil(this.#bytes / 4);
  }

  /** @returns whether the guest is to be paused. It may write a quarter more once it is resumed. */
  isReached(writtenBytes: number): boolean {
    if (writtenBytes <= this.#bytes) return false;
    this.#bytes = writtenBytes + this.#stepBytes;
    return true;
  }

  /** What a guest had written that is brought back, it may have. */
  allow(writtenBytes: number): void {
    if (writtenBytes > this.#bytes) this.#bytes = writtenBytes + this.#stepBytes;
  }
}
