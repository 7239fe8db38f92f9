import type { DiskBase } from './disk-base.ts';
import { blockBytes, type Overlay, sectorBytes } from './overlay.ts';

/** A disk as the guest sees it: a base, overlaid with the guest's writes. */
export class Disk {
  /** The base's size, or more: beyond the base's end the disk holds zeros until it is written. */
  readonly sizeBytes: number;
  readonly overlay: Overlay;
  readonly #base: DiskBase;

  constructor(base: DiskBase, overlay: Overlay, sizeBytes = base.sizeBytes) {
    this.#base = base;
    this.overlay = overlay;
    this.sizeBytes = sizeBytes;
  }

  /**
   * Returns the bytes of a range, zeros past the disk's end; undefined if they must be awaited.
   * They are not always a copy: the caller must not change them.
   */
  readNow(start: number, length: number): Uint8Array | undefined {
    const coverage = this.overlay.coverage(start, length);
    if (coverage === 'all') return this.#withOverlay(start, new Uint8Array(length));
    const inBase = this.#inBase(start, length);
    const under = inBase ? this.#base.readNow(start, inBase) : new Uint8Array(0);
    if (!under) return undefined;
    if (coverage === 'none' && under.length === length) return under;
    return this.#withOverlay(start, padded(under, length));
  }

  /** Like {@link readNow}, but waits for the base. @throws as {@link DiskBase.read} */
  async read(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const now = this.readNow(start, length);
    if (now) return now;
    const under = await this.#base.read(start, this.#inBase(start, length), signal);
    // Uses the present overlay: a write since the start of the read is newer.
    return this.#withOverlay(start, padded(under, length));
  }

  /**
   * Writes bytes that every later read sees. `start` and length must be multiples of 512; see
   * {@link aligned}.
   */
  write(start: number, bytes: Uint8Array): void {
    const length = Math.max(0, Math.min(bytes.length, this.sizeBytes - start));
    this.overlay.write(start, bytes.subarray(0, length), (blockStart) => {
      const inBase = this.#inBase(blockStart, blockBytes);
      return inBase ? this.#base.readNow(blockStart, inBase) : new Uint8Array(0);
    });
  }

  #inBase(start: number, length: number): number {
    return Math.max(0, Math.min(length, this.#base.sizeBytes - start));
  }

  #withOverlay(start: number, bytes: Uint8Array): Uint8Array {
    this.overlay.applyTo(start, bytes);
    return bytes;
  }
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}

/** Returns the sectors that a range touches, as a range of bytes. */
export function aligned(start: number, length: number): { start: number; length: number } {
  const first = Math.floor(start / sectorBytes) * sectorBytes;
  const end = Math.ceil((start + length) / sectorBytes) * sectorBytes;
  return { start: first, length: end - first };
}
