/** The pages of a published state file, read pack by pack: see src/protocol/page-supply.ts. */
import { HoldfastError } from '../../errors.ts';
import type {
  PageSupply,
  SuppliedPack,
  SuppliedPage,
  Supplies,
} from '../../protocol/page-supply.ts';
import { badState } from '../format/bad-state.ts';
import { HttpRanges } from '../sources/http-ranges.ts';
import { StateFileReader } from '../state-file-reader.ts';
import { KnownRanges } from './known-ranges.ts';
import { loadReadingCodec } from './reading-codec.ts';

/** Time after which a silent server is abandoned. A request is repeated later. */
const stallMs = 10_000;

class StateFileSupply implements PageSupply {
  readonly packs: readonly SuppliedPack[];
  readonly #reader: StateFileReader;
  readonly #ranges: HttpRanges;

  constructor(reader: StateFileReader, ranges: HttpRanges) {
    this.#reader = reader;
    this.#ranges = ranges;
    const { hot, others } = reader.packs;
    this.packs = [...others, ...hot].map((number) => {
      const { begin, end } = reader.placeOf(number);
      return { number, sizeBytes: end - begin, pages: reader.pageNumbersOf(number) };
    });
  }

  packOf(page: number): number | undefined {
    const source = this.#reader.index.sources.of(page);
    return source.kind === 'contents' ? source.frame : undefined;
  }

  async read(pack: number): Promise<SuppliedPage[]> {
    const { begin, end } = this.#reader.placeOf(pack);
    return this.#reader.decodePages(pack, await this.#ranges.read(begin, end));
  }

  readNow(pack: number): SuppliedPage[] {
    const { begin, end } = this.#reader.placeOf(pack);
    const stored = this.#ranges.readNow(begin, end);
    if (stored.length !== end - begin)
      throw new HoldfastError('state-unavailable', 'The server sent another length.');
    return this.#reader.decodePages(pack, stored);
  }
}

export const prepare: Supplies['prepare'] = async () => void (await loadReadingCodec());

export const open: Supplies['open'] = async (reference, ended) => {
  const { url, sizeBytes, tag, digest, end } = reference;
  const codec = await loadReadingCodec();
  const ranges = HttpRanges.resume(
    url,
    { sizeBytes, tag },
    { stallMs, ...(ended && { signal: ended }) },
  );
  const source = new KnownRanges(reference, ranges);
  const options = { tailBytes: end.length, onlyIndex: true };
  const reader = await StateFileReader.open(source, codec, options);
  if (!reader || reader.head.state.base || reader.digest !== digest)
    throw badState('This is not the index of the state file that a guest was opened from.');
  reader.releaseTail();
  return new StateFileSupply(reader, ranges);
};
