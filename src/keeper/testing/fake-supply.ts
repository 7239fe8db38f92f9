/** For tests: the rest of a guest, at a server that answers as the test wants. */
import { HoldfastError } from '../../errors.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type {
  PageSupply,
  SuppliedPack,
  SuppliedPage,
  Supplies,
  SupplyReference,
} from '../../protocol/page-supply.ts';

const packPages = 4;
const packBytes = 1000;

export const fakeReference: SupplyReference = {
  url: 'https://states.test/1',
  sizeBytes: 100_000,
  digest: 'xxh64:0000000000000001',
  tag: '"1"',
  begin: Uint8Array.of(1),
  end: Uint8Array.of(2),
};

/** Contents of a page: its number, in each word. */
export function contentsOfPage(page: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array(pageBytes / 4).fill(page).buffer);
}

export class FakeSupply implements PageSupply, Supplies {
  readonly packs: readonly SuppliedPack[];
  /** Packs in the order in which they were requested. */
  readonly asked: number[] = [];
  /** Packs that were read while the worker was blocked. */
  readonly askedNow: number[] = [];
  /** Thrown by every read. */
  error: HoldfastError | undefined;
  opened = 0;
  readonly #waiting: { pack: number; settle: () => void }[] = [];
  #isHeld: boolean;

  /** @param isHeld answers wait for {@link answer} */
  constructor(pages: readonly number[], { isHeld = false } = {}) {
    this.#isHeld = isHeld;
    this.packs = Array.from({ length: Math.ceil(pages.length / packPages) }, (_, number) => ({
      number,
      sizeBytes: packBytes,
      pages: Uint32Array.from(pages.slice(number * packPages, (number + 1) * packPages)),
    }));
  }

  async prepare(): Promise<void> {}

  async open(): Promise<PageSupply> {
    this.opened++;
    return this;
  }

  packOf(page: number): number | undefined {
    return this.packs.find(({ pages }) => pages.includes(page))?.number;
  }

  async read(pack: number): Promise<SuppliedPage[]> {
    this.asked.push(pack);
    if (this.#isHeld) await new Promise<void>((settle) => this.#waiting.push({ pack, settle }));
    return this.#answer(pack);
  }

  readNow(pack: number): SuppliedPage[] {
    this.askedNow.push(pack);
    return this.#answer(pack);
  }

  /** Answers what waits: this pack, or all, and all later ones. */
  async answer(pack?: number): Promise<void> {
    if (pack === undefined) this.#isHeld = false;
    const answered = this.#waiting.filter((each) => pack === undefined || each.pack === pack);
    for (const each of answered) {
      this.#waiting.splice(this.#waiting.indexOf(each), 1);
      each.settle();
    }
    // Timers may be the test's own.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }

  #answer(number: number): SuppliedPage[] {
    if (this.error) throw this.error;
    const pack = this.packs[number];
    return Array.from(pack?.pages ?? [], (page) => ({ page, bytes: contentsOfPage(page) }));
  }
}

export const gone = () =>
  new HoldfastError('state-unavailable', 'https://states.test/1: the server is not reachable.');
