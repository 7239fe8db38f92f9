/** Limit of a guest's disk writes, beyond which it is paused. */
import { usualLimits } from '../../protocol/machine-limits.ts';

export class DiskLimit {
  #bytes: number;
  readonly #stepBytes: number;

  constructor(diskMiB: number = usualLimits.diskMiB) {
    this.#bytes = diskMiB * 2 ** 20;
    this.#stepBytes = Math.ceil(this.#bytes / 4);
  }

  /** @returns true if the guest must be paused. It may write a quarter more once it is resumed. */
  isReached(writtenBytes: number): boolean {
    if (writtenBytes <= this.#bytes) return false;
    this.#bytes = writtenBytes + this.#stepBytes;
    return true;
  }

  /** Raises the limit to the size that a restored guest already has. */
  allow(writtenBytes: number): void {
    if (writtenBytes > this.#bytes) this.#bytes = writtenBytes + this.#stepBytes;
  }
}
