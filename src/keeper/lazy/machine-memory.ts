/** Whether all of a machine's memory is present, and what brings the rest. */
import { HoldfastError } from '../../errors.ts';
import type { RamBlock, RuntimeInstance } from '../../protocol/abi.ts';
import type { MemoryArrival } from '../../protocol/events.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { PageSupply, Supplies, SupplyReference } from '../../protocol/page-supply.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import type { GuestPages } from '../checkpoint/guest-pages.ts';
import type { StoredAbsent } from '../checkpoint/manifest.ts';
import { withDeadline } from '../runtimes/abortable.ts';
import type { HostBacking } from '../runtimes/gated-host.ts';
import { LazyMemory } from './lazy-memory.ts';
import { PresentMap, pagesOfBits } from './present-map.ts';

/** Longest wait for what reads the rest, ms. The whole guest is read without it. */
const prepareMs = 5_000;
/** Pages that a guest needs before it runs: the first MiB, with the tables of real mode. */
const firstPages = 256;

interface MemoryOptions {
  backing: HostBacking;
  instance(): RuntimeInstance | undefined;
  /** The status is another. */
  changed(): void;
  /** All of the memory is present now. */
  whole(): void;
  supplies: Supplies | undefined;
  gone: AbortSignal;
}

export class MachineMemory {
  readonly #options: MemoryOptions;
  #lazy: LazyMemory | undefined;

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  get isWhole(): boolean {
    return this.#lazy === undefined;
  }

  get status(): MemoryArrival | undefined {
    return this.#lazy?.status;
  }

  /** True while the guest waits for a page that does not come. */
  get isStalled(): boolean {
    return this.#lazy?.isStalled ?? false;
  }

  /** Returns true if a guest of this machine can run before its memory has arrived. */
  async prepare(): Promise<boolean> {
    const { supplies, gone } = this.#options;
    if (!supplies) return false;
    try {
      await withDeadline(prepareMs, gone, () => supplies.prepare());
      return true;
    } catch (thrown) {
      console.warn('The whole guest is read before it runs:', thrown);
      return false;
    }
  }

  /** @throws HoldfastError `part-unavailable`, `bad-state-file` */
  async open(reference: SupplyReference): Promise<PageSupply> {
    const { supplies, gone } = this.#options;
    try {
      if (supplies) return await supplies.open(reference, gone);
    } catch (thrown) {
      throw HoldfastError.from(
        adoptHoldfastError(thrown),
        'part-unavailable',
        'The rest of the guest cannot be read',
      );
    }
    throw new HoldfastError(
      'part-unavailable',
      'A part of this guest is at its server, and is not read here. Use a browser.',
    );
  }

  /**
   * Begins with a guest of which some pages have arrived.
   * @param pages all of the guest's, by the numbers of the supply
   * @param arrived one byte a page, 1 for each that has
   * @throws HoldfastError `bad-state-file` if one is missing that the guest needs at once
   */
  begin(
    { reference, supply }: { reference: SupplyReference; supply: PageSupply },
    pages: GuestPages,
    arrived: Uint8Array,
  ): void {
    const ram = ramOf(pages);
    const absent: number[] = [];
    for (const pack of supply.packs) {
      for (const page of pack.pages) {
        if (arrived[page]) continue;
        const own = page - ram.first;
        if (own < firstPages || own >= ram.count)
          throw new HoldfastError(
            'bad-state-file',
            `The state leaves out page ${page}, which the guest needs before it runs.`,
          );
        absent.push(own);
      }
    }
    this.#start({ reference, supply }, ram, absent);
  }

  /**
   * Resumes with what a checkpoint lacks.
   * @param blocks the guest's memory, as the checkpoint has it
   * @throws HoldfastError `storage-damaged`, or as {@link open}
   */
  async resume({ reference, pages }: StoredAbsent, ram: RamBlock): Promise<void> {
    const supply = await this.open(reference);
    const absent = [...pagesOfBits(pages)];
    if (
      absent.some((page) => page >= ram.sizeBytes / pageBytes || supply.packOf(page) === undefined)
    )
      throw new HoldfastError(
        'storage-damaged',
        'The stored guest lacks a page that is not in the state that it was opened from.',
      );
    this.#start({ reference, supply }, { address: ram.address, first: 0 }, absent);
  }

  /**
   * Lets a runtime notice absent pages, or brings them first. The guest is loaded and does not run yet.
   * @throws HoldfastError `memory-unavailable`
   */
  async attach(instance: RuntimeInstance): Promise<void> {
    if (!instance.lazyRam) await this.bringAll();
    this.#lazy?.attach(instance);
  }

  /** As {@link attach}, for a runtime that takes over. @throws HoldfastError `memory-unavailable` */
  attachNow(instance: RuntimeInstance): void {
    this.#lazy?.attach(instance);
  }

  /**
   * Resolves when all pages are present.
   * @throws HoldfastError `memory-unavailable`, or the signal's reason
   */
  async bringAll(signal?: AbortSignal): Promise<void> {
    await this.#lazy?.bringAll(signal);
  }

  /** Returns true if any page of this part of guest RAM is absent. */
  lacks(address: number, length: number): boolean {
    const first = Math.floor(address / pageBytes);
    const count = Math.ceil((address + length) / pageBytes) - first;
    return this.#lazy?.present.hasAbsent(first, count) ?? false;
  }

  /** Returns the absent pages, for a checkpoint of this moment. Undefined if there are none. */
  stored(): StoredAbsent | undefined {
    const lazy = this.#lazy;
    if (!lazy?.present.hasAbsent()) return undefined;
    return { reference: lazy.reference, pages: lazy.present.absentBits() };
  }

  /** The memory has no guest any more. */
  end(): void {
    this.#lazy?.end();
    this.#lazy = undefined;
  }

  #start(
    source: { reference: SupplyReference; supply: PageSupply },
    ram: { address: number; first: number },
    absent: readonly number[],
  ): void {
    this.end();
    if (absent.length === 0) return;
    const { backing, instance, changed, whole } = this.#options;
    const present = new PresentMap(backing);
    present.setAbsent(absent);
    const lazy = new LazyMemory(
      { ...source, present, ram },
      {
        memory: backing.memory,
        instance,
        changed,
        whole: () => {
          this.#lazy = undefined;
          whole();
        },
      },
    );
    this.#lazy = lazy;
    lazy.begin();
  }
}

function ramOf(pages: GuestPages) {
  const ram = pages.ranges.find(({ name }) => name === 'pc.ram');
  if (!ram) throw new HoldfastError('bad-state-file', 'The state has no guest RAM.');
  return ram;
}
