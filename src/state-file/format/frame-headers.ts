/** The headers of all frames of a file, one after the other. */
import { badState } from './bad-state.ts';
import { frameHeaderBytes } from './frame.ts';

/** Limit of what a file of tiny frames may cost: 6 MiB. An honest guest of 4 GiB has 20,000. */
const mostFrames = 1 << 18;

export class FrameHeaders {
  #bytes = new Uint8Array(64 * frameHeaderBytes);
  count = 0;

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.count * frameHeaderBytes);
  }

  /** @throws HoldfastError `bad-state-file` */
  add(header: Uint8Array): void {
    if (this.count >= mostFrames) throw badState('This state file has too many parts.');
    const at = this.count++ * frameHeaderBytes;
    if (at === this.#bytes.length) {
      const larger = new Uint8Array(at * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(header, at);
  }
}
