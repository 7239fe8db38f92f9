/** The page's side of meter.asm, which holds the contract. */
import { pageBytes } from '../../../src/protocol/page-bytes.ts';
import { type GuestPage, sendProgram, timeCommand, wallMs } from './guest-page.ts';

const magic = [0x4d6c6448, 0x72657465] as const;
const logPages = 64;
const entriesPerPage = 255;
const ticksPerMs = 1_000_000;
const gapOffset = 28;

/** One moment of the guest. */
export interface MeterSample {
  /** The guest's own clock. */
  guestMs: number;
  /** Work done, in batches. */
  batches: number;
}

/** A moment of the guest, and the time when it was seen. */
export interface SeenSample extends MeterSample {
  wallMs: number;
}

export class Meter {
  readonly #page: GuestPage;
  /**
   * Guest-physical addresses of the control page and of the log. Guest memory keeps its place, so
   * that the meter of another document can use them.
   */
  addresses: number[] = [];

  constructor(page: GuestPage) {
    this.#page = page;
  }

  get controlAddress(): number {
    const [address] = this.addresses;
    if (address === undefined) throw new Error('The meter does not run yet.');
    return address;
  }

  /** Address of the dword that grows with each batch. */
  get counterAddress(): number {
    return this.controlAddress + 16;
  }

  /** Starts the program in the guest and finds it there. */
  async start(program: readonly number[], memoryMiB: number): Promise<void> {
    await sendProgram(this.#page, '/tmp/meter', Uint8Array.from(program));
    await timeCommand(this.#page, '/tmp/meter & sleep 1');
    await this.#find(memoryMiB);
    const first = await this.sample();
    await new Promise((done) => setTimeout(done, 100));
    const second = await this.sample();
    if (second.batches === first.batches) throw new Error('The meter stands still.');
  }

  /** Resolves once the engine has optimised the code: when the speed does not increase any more. */
  async steady(): Promise<void> {
    let speed = 0;
    for (let seconds = 0; seconds < 30; seconds++) {
      const from = await this.sample();
      await new Promise((done) => setTimeout(done, 1500));
      const to = await this.sample();
      const now = (to.batches - from.batches) / (to.guestMs - from.guestMs);
      // At least a few rounds: the first ones may be equally slow.
      if (seconds >= 2 && now < speed * 1.05) return;
      speed = Math.max(speed, now);
    }
  }

  async #find(memoryMiB: number): Promise<void> {
    const found: number[] = [];
    const pieceBytes = 1 << 20;
    for (let at = 0; at < memoryMiB << 20; at += pieceBytes) {
      const piece = words(await this.#page.read(at, pieceBytes));
      for (let word = 0; word < piece.length; word += pageBytes / 4) {
        if (piece[word] !== magic[0] || piece[word + 1] !== magic[1]) continue;
        const number = piece[word + 2] as number;
        if (found[number] !== undefined)
          throw new Error(`The meter's page ${number} is there twice.`);
        found[number] = at + word * 4;
      }
    }
    const count = Object.keys(found).length;
    if (count !== 1 + logPages) throw new Error(`Found ${count} pages of the meter.`);
    this.addresses = found;
  }

  async sample(): Promise<SeenSample> {
    const bytes = await this.#page.read(this.controlAddress, 32);
    const seenMs = wallMs();
    const [, , , , batches = 0, low = 0, high = 0] = words(bytes);
    return { wallMs: seenMs, guestMs: ticks(low, high), batches };
  }

  /** Longest time between two batches since the last call, ms of the guest's clock. */
  async takeLongestGapMs(): Promise<number> {
    const bytes = await this.#page.read(this.controlAddress + gapOffset, 4);
    await this.#page.write(this.controlAddress + gapOffset, new Uint8Array(4));
    return (words(bytes)[0] ?? 0) / ticksPerMs;
  }

  /**
   * Returns the time of the guest's first progress after `sinceMs`, by its own log. Both since the
   * epoch.
   *
   * Samples convert the guest's clock to this page's; the fastest sample counts. The rest of its
   * delay makes the result later, not earlier.
   */
  async firstProgressMs(sinceMs: number): Promise<number> {
    let aheadMs = Number.POSITIVE_INFINITY;
    for (let samples = 0; samples < 20; samples++) {
      const { wallMs: seenMs, guestMs } = await this.sample();
      aheadMs = Math.min(aheadMs, seenMs - guestMs);
    }
    const first = (await this.log()).find(({ guestMs }) => guestMs + aheadMs >= sinceMs);
    if (!first) throw new Error('The guest wrote nothing down since.');
    return first.guestMs + aheadMs;
  }

  /**
   * Returns the guest's own log of the last seconds, with an entry about every half millisecond.
   */
  async log(): Promise<MeterSample[]> {
    const entries: (MeterSample & { number: number })[] = [];
    for (const address of this.addresses.slice(1)) {
      const page = words(await this.#page.read(address, pageBytes));
      for (let i = 0; i < entriesPerPage; i++) {
        const [low = 0, high = 0, batches = 0, number = 0] = page.subarray(4 + i * 4, 8 + i * 4);
        if (number) entries.push({ guestMs: ticks(low, high), batches, number });
      }
    }
    entries.sort((a, b) => a.number - b.number);
    // The guest ran during the read: only the longest run of consecutive entries is valid.
    let start = 0;
    let longest: MeterSample[] = [];
    for (let i = 1; i <= entries.length; i++) {
      if (entries[i]?.number === (entries[i - 1]?.number ?? 0) + 1) continue;
      if (i - start > longest.length) longest = entries.slice(start, i);
      start = i;
    }
    return longest;
  }
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

function ticks(low: number, high: number): number {
  return (high * 2 ** 32 + low) / ticksPerMs;
}
