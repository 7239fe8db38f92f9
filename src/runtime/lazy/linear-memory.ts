/** The guest's memory at linear addresses. */
import type { GuestRam } from './guest-ram.ts';
import { type Paging, type Walked, walkPages } from './page-walk.ts';

export class LinearMemory {
  readonly #paging: Paging;
  readonly #ram: GuestRam;

  constructor(paging: Paging, ram: GuestRam) {
    this.#paging = paging;
    this.#ram = ram;
  }

  walk(linear: number): Walked {
    return walkPages(linear, this.#paging, this.#ram);
  }

  /** @returns the page that an access waits for first, by its guest-physical number */
  absentFor(linear: number): number | undefined {
    const walked = this.walk(linear);
    return typeof walked === 'object' && 'absent' in walked ? walked.absent : undefined;
  }

  /** Brings everything that an access needs. @throws HoldfastError `memory-unavailable` */
  bring(linear: number): void {
    for (;;) {
      const page = this.absentFor(linear);
      if (page === undefined) return;
      this.#ram.bring([page]);
    }
  }

  /** @returns undefined if the bytes are absent or have no place; they must not cross a page's end */
  read32(linear: number): number | undefined {
    const walked = this.walk(linear);
    if (typeof walked !== 'object' || 'absent' in walked) return undefined;
    return this.#ram.read32(walked.physical);
  }
}
