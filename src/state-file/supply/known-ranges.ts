import type { RangeSource } from '../sources/range-source.ts';

/** A file of which the beginning and the end are there. */
export class KnownRanges implements RangeSource {
  readonly #begin: Uint8Array<ArrayBuffer>;
  readonly #end: Uint8Array<ArrayBuffer>;
  readonly #rest: RangeSource;

  constructor(
    { begin, end }: { begin: Uint8Array<ArrayBuffer>; end: Uint8Array<ArrayBuffer> },
    rest: RangeSource,
  ) {
    this.#begin = begin;
    this.#end = end;
    this.#rest = rest;
  }

  get sizeBytes(): number {
    return this.#rest.sizeBytes;
  }

  async read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const endAt = this.sizeBytes - this.#end.length;
    if (begin >= endAt) return this.#end.slice(begin - endAt, end - endAt);
    if (end <= this.#begin.length) return this.#begin.slice(begin, end);
    return this.#rest.read(begin, end);
  }
}
