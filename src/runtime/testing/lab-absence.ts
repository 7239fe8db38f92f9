/**
 * Takes pages of RAM away from a guest in the lab, and gives them back late and in random order. Until
 * then a page holds a pattern that no check of a guest lets pass.
 */
import type { AbsentPages, LazyRam } from '../../protocol/lazy-ram.ts';
import { presentBlock } from '../../protocol/lazy-ram.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { blockOf } from '../core/blocks.ts';
import type { LabGuest, Random } from './lab-runtime.ts';

const wrong = 0xcc;

interface LabAbsenceOptions {
  guest: LabGuest;
  random: Random;
  /** Returns true for the pages that are absent at first. */
  isAbsent(page: number): boolean;
  /** True to keep what the JIT has compiled, of pages that are present. */
  keepsCode?: boolean;
  /** Turns for which a guest waits for a page. */
  patience?: number;
}

export class LabAbsence implements AbsentPages {
  readonly map: { address: number; pages: number };
  /** Pages that the guest waited for, and those that were brought at once, in order. */
  readonly waitedFor: number[] = [];
  readonly broughtNow: number[] = [];
  readonly wanted = new Set<number>();
  /** Times that anything was wanted. */
  wants = 0;
  readonly #options: LabAbsenceOptions;
  readonly #present: Uint8Array;
  readonly #pages = new Map<number, Uint8Array>();
  /** The order in which pages arrive for which there was no request. */
  readonly #background: number[] = [];
  #turnsLeft = 0;

  constructor(options: LabAbsenceOptions) {
    this.#options = options;
    const { guest, isAbsent, keepsCode = false } = options;
    const { host, cpu } = guest;
    const pages = host.config.memoryMiB << 8;
    this.map = { address: blockOf(host, presentBlock).address, pages };
    this.#present = new Uint8Array(host.memory.buffer, this.map.address, pages);
    for (let page = 0; page < pages; page++) {
      this.#present[page] = Number(!isAbsent(page));
      if (!isAbsent(page)) continue;
      const bytes = this.#ram(page);
      this.#pages.set(page, bytes.slice());
      bytes.fill(wrong);
      this.#background.splice(options.random.below(this.#background.length + 1), 0, page);
    }
    if (!keepsCode) cpu.jit_clear_cache();
    this.attach();
  }

  get lazyRam(): LazyRam {
    const { lazyRam } = this.#options.guest.machine;
    if (!lazyRam) throw new Error('This v86 needs all of its memory.');
    return lazyRam;
  }

  get isIncomplete(): boolean {
    return this.#pages.size > 0;
  }

  get absentPages(): number[] {
    return [...this.#pages.keys()].filter((page) => this.#present[page] === 0);
  }

  want(page: number): void {
    this.wants++;
    this.wanted.add(page);
  }

  bringNow(pages: readonly number[]): void {
    this.broughtNow.push(...pages);
    for (const page of pages) this.#put(page);
  }

  /** Puts these pages in place, unless a device has replaced them. */
  arrive(pages: readonly number[]): void {
    for (const page of pages) this.#put(page);
    this.lazyRam.arrived();
  }

  /** Call this after each step: some pages arrive. */
  turn(background = 1): void {
    const { random, patience = 3 } = this.#options;
    const { waitsFor } = this.lazyRam;
    const arriving = [...this.wanted].filter(() => random.below(4) === 0);
    if (waitsFor !== undefined) {
      if (this.#turnsLeft === 0) {
        this.waitedFor.push(waitsFor);
        this.#turnsLeft = 1 + random.below(patience);
      }
      if (--this.#turnsLeft === 0) arriving.push(waitsFor);
      else arriving.splice(0, arriving.length, ...arriving.filter((page) => page !== waitsFor));
    }
    for (let i = 0; i < background; i++) {
      const page = this.#background.pop();
      if (page === undefined) break;
      if (page === waitsFor) this.#background.unshift(page);
      else arriving.push(page);
    }
    if (arriving.length > 0) this.arrive(arriving);
  }

  /** For a runtime that has taken the guest over. */
  attach(): void {
    this.lazyRam.begin(this);
  }

  /** All other pages arrive. */
  end(): void {
    this.arrive(this.absentPages);
    this.lazyRam.end();
  }

  #put(page: number): void {
    this.wanted.delete(page);
    const bytes = this.#pages.get(page);
    if (!bytes || this.#present[page] !== 0) return;
    this.#ram(page).set(bytes);
    this.#present[page] = 1;
    this.#pages.delete(page);
  }

  #ram(page: number): Uint8Array {
    const { host, machine } = this.#options.guest;
    const address = machine.core.ramAddress + page * pageBytes;
    return new Uint8Array(host.memory.buffer, address, pageBytes);
  }
}
