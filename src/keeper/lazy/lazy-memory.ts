/**
 * Guest RAM that arrives while the guest runs: see docs/spec/lazy-memory.md. A page is put into memory
 * only while it is absent, so nothing that the guest wrote is overwritten.
 */
import { HoldfastError } from '../../errors.ts';
import type { RuntimeInstance } from '../../protocol/abi.ts';
import type { MemoryArrival } from '../../protocol/events.ts';
import type { AbsentPages, LazyRam } from '../../protocol/lazy-ram.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { PageSupply, SuppliedPage, SupplyReference } from '../../protocol/page-supply.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import { PackQueue } from './pack-queue.ts';
import type { PresentMap } from './present-map.ts';

/** Pauses after a failure, ms: each is twice as long as the one before, up to a limit. */
const retryMs = { first: 500, most: 10_000 } as const;
/** Time after which a guest that has not waited is unlikely to wait soon. */
const calmMs = 500;
/** Failures in a row until a wait for all pages ends with an error. */
const failuresToTell = 3;

export interface LazySource {
  reference: SupplyReference;
  supply: PageSupply;
  present: PresentMap;
  /** Place of guest RAM: its address, and the number of its first page in the supply. */
  ram: { address: number; first: number };
}

interface LazyHost {
  memory: WebAssembly.Memory;
  /** The runtime that runs the guest, if there is one. */
  instance(): RuntimeInstance | undefined;
  /** The status is another. */
  changed(): void;
  /** All pages are present. */
  whole(): void;
}

interface Waiter {
  resolve(): void;
  reject(reason: HoldfastError): void;
}

/** A machine's RAM from the moment at which its guest is opened, until all of it is present. */
export class LazyMemory implements AbsentPages {
  readonly reference: SupplyReference;
  readonly present: PresentMap;
  readonly #supply: PageSupply;
  readonly #ram: LazySource['ram'];
  readonly #host: LazyHost;
  readonly #bytes: Uint8Array;
  readonly #queue: PackQueue;
  /** Sizes of the packs that have not arrived. */
  readonly #sizes: Map<number, number>;
  readonly #waiters = new Set<Waiter>();
  /** The part of the runtime that {@link attach} was called with. */
  #attached: LazyRam | undefined;
  /** The page that was wanted last. */
  #wanted: number | undefined;
  /** When the guest was last seen to wait. It begins with a time in which it is likely to. */
  #wantedAtMs = performance.now();
  #waits = 0;
  #waitedMs = 0;
  #leftBytes = 0;
  #failures = 0;
  #error: HoldfastError | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isEnded = false;

  constructor({ reference, supply, present, ram }: LazySource, host: LazyHost) {
    this.reference = reference;
    this.present = present;
    this.#supply = supply;
    this.#ram = ram;
    this.#host = host;
    this.#bytes = new Uint8Array(host.memory.buffer);
    const needed = supply.packs.filter(({ pages }) =>
      pages.some((page) => present.isAbsent(page - ram.first)),
    );
    this.#queue = new PackQueue(needed.map(({ number }) => number));
    this.#sizes = new Map(needed.map(({ number, sizeBytes }) => [number, sizeBytes]));
    for (const { sizeBytes } of needed) this.#leftBytes += sizeBytes;
  }

  get map(): AbsentPages['map'] {
    return this.present;
  }

  get status(): MemoryArrival {
    const totalBytes = this.reference.sizeBytes;
    const loadedBytes = totalBytes - this.#leftBytes;
    const { code, message } = this.#error ?? {};
    return {
      loadedBytes,
      totalBytes,
      isWaiting: this.#isWaiting,
      waits: this.#waits,
      waitedMs: this.#waitedMs,
      ...(code !== undefined && message !== undefined && { error: { code, message } }),
    };
  }

  /** True while the guest waits for a page that does not come. */
  get isStalled(): boolean {
    return this.#error !== undefined && this.#isWaiting;
  }

  /** True while the guest, or an interrupt for it, waits for a page. */
  get #isWaiting(): boolean {
    const wanted = this.#wanted;
    return wanted !== undefined && this.present.isAbsent(wanted);
  }

  /** Begins to read. */
  begin(): void {
    this.#pump();
  }

  /**
   * Makes a runtime notice absent pages. The guest was loaded and does not run yet.
   * @throws HoldfastError `memory-unavailable` if the runtime needs all of them
   */
  attach({ lazyRam, v86Version }: RuntimeInstance): void {
    if (this.#isEnded) return;
    if (!lazyRam)
      throw new HoldfastError(
        'memory-unavailable',
        `The runtime (v86 ${v86Version}) needs all of the guest's memory, and not all of it has arrived.`,
      );
    this.#attached = lazyRam;
    lazyRam.begin(this);
  }

  want(page: number): void {
    if (this.#isEnded || !this.present.isAbsent(page)) return;
    if (!this.#isWaiting) {
      this.#wantedAtMs = performance.now();
      this.#waits++;
    }
    this.#wanted = page;
    const pack = this.#packOf(page);
    if (pack !== undefined) this.#queue.want(pack);
    if (this.#error) setTimeout(() => this.#host.changed());
    else this.#pump();
  }

  bringNow(pages: readonly number[]): void {
    if (this.#isEnded) return;
    for (const page of pages) {
      if (!this.present.isAbsent(page)) continue;
      const pack = this.#packOf(page);
      if (pack === undefined) continue;
      try {
        this.#put(pack, this.#supply.readNow(pack));
      } catch (thrown) {
        throw unavailable(thrown);
      }
    }
    // The guest is in the middle of a slice.
    setTimeout(() => this.#pump());
  }

  /**
   * Resolves when all pages are present.
   * @throws HoldfastError `memory-unavailable` if they do not come, or the signal's reason
   */
  async bringAll(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#isEnded) return;
    const isFailing = this.#failures >= failuresToTell;
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', () => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      });
      // Tells the caller sooner.
      if (isFailing) this.#tryAgain();
    });
  }

  /** Ends reading: the machine has ended, or its memory was emptied. */
  end(reason = new HoldfastError('no-machine', 'The machine was destroyed meanwhile.')): void {
    this.#isEnded = true;
    clearTimeout(this.#retry);
    this.#settle(({ reject }) => reject(reason));
  }

  /** The active runtime's part: one that was attached may have failed to take over. */
  get #lazyRam(): LazyRam | undefined {
    return this.#host.instance()?.lazyRam ?? this.#attached;
  }

  #packOf(page: number): number | undefined {
    return this.#supply.packOf(page + this.#ram.first);
  }

  #pump(): void {
    if (this.#isEnded || this.#error) return;
    for (let pack = this.#next(); pack !== undefined; pack = this.#next()) void this.#read(pack);
    if (this.#queue.isEmpty) this.#finish();
  }

  #next(): number | undefined {
    return this.#queue.next(performance.now() - this.#wantedAtMs > calmMs);
  }

  async #read(pack: number): Promise<void> {
    try {
      const pages = await this.#supply.read(pack);
      if (this.#isEnded) return;
      this.#put(pack, pages);
      this.#recovered();
    } catch (thrown) {
      if (this.#isEnded) return;
      this.#queue.again(pack);
      this.#failed(errorOf(thrown));
    }
    this.#pump();
  }

  #put(pack: number, pages: readonly SuppliedPage[]): void {
    const wasWaiting = this.#isWaiting;
    const { map } = this.#host.instance()?.writes ?? {};
    const written = map && new Uint8Array(this.#bytes.buffer, map.address, map.pages);
    for (const { page, bytes } of pages) {
      const own = page - this.#ram.first;
      if (!this.present.isAbsent(own)) continue;
      this.#bytes.set(bytes, this.#ram.address + own * pageBytes);
      this.present.arrived(own);
      // A checkpoint that is under way has looked at it before.
      if (written) written[own] = 1;
    }
    if (wasWaiting && !this.#isWaiting) this.#waitedMs += performance.now() - this.#wantedAtMs;
    this.#leftBytes -= this.#sizes.get(pack) ?? 0;
    this.#sizes.delete(pack);
    this.#queue.done(pack);
    this.#lazyRam?.arrived();
  }

  #failed(error: HoldfastError): void {
    const isNews = this.#error?.message !== error.message;
    // Requests that were under way at the same time fail together.
    if (!this.#retry) {
      const waitMs = Math.min(retryMs.first * 2 ** this.#failures++, retryMs.most);
      this.#retry = setTimeout(() => this.#tryAgain(), waitMs);
    }
    this.#error = error;
    if (this.#failures >= failuresToTell) this.#settle(({ reject }) => reject(unavailable(error)));
    if (isNews) this.#host.changed();
  }

  #tryAgain(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const pack = this.#isEnded ? undefined : this.#next();
    // One request finds out. The others follow its success.
    if (pack !== undefined) void this.#read(pack);
  }

  #recovered(): void {
    const wasFailing = this.#error !== undefined;
    this.#failures = 0;
    this.#error = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (wasFailing) this.#host.changed();
  }

  #finish(): void {
    this.#isEnded = true;
    this.#lazyRam?.end();
    this.#host.whole();
    this.#settle(({ resolve }) => resolve());
  }

  #settle(each: (waiter: Waiter) => void): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) each(waiter);
  }
}

/** The supply is a module of its own, with errors of its own. */
const errorOf = (thrown: unknown) =>
  HoldfastError.from(adoptHoldfastError(thrown), 'internal', 'The memory could not be read');

function unavailable(thrown: unknown): HoldfastError {
  const cause = errorOf(thrown);
  const { message } = cause;
  return new HoldfastError(
    'memory-unavailable',
    `Not all of the guest's memory has arrived: ${message} The guest is unharmed. Try again when the rest can be read.`,
    { cause },
  );
}
