/**
 * Runs a guest of which pages of RAM are absent. The transformed v86.wasm asks here before it uses a
 * page (tools/wasm/absent-pages.ts). "Lazy RAM" in docs/v86.md lists all ways to guest RAM.
 *
 * A guest that needs an absent page waits: the run loop makes no steps until the page is there, and the
 * guest then repeats its instruction. Only what cannot be repeated gets its pages at once, which
 * blocks the worker.
 */
import type { AbsentPages, LazyRam } from '../../protocol/lazy-ram.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { PageQuestions } from '../core/page-questions.ts';
import type { V86Core } from '../core/v86-core.ts';
import { guardDeviceAccess } from './device-access.ts';
import { GuestRam } from './guest-ram.ts';
import { interruptNeeds, type Span } from './interrupt-needs.ts';
import { LinearMemory } from './linear-memory.ts';
import type { Paging } from './page-walk.ts';

const pae = 0x20;
/** Bytes that v86 reads at CR3 with PAE. */
const directoryPointers = { alignment: 16, bytes: 32 } as const;
const tss = { bytes: 104, cr3: 0x1c } as const;

interface LazyGuestRamOptions {
  memory: WebAssembly.Memory;
  core: V86Core;
  /** Makes a step of the guest soon, if it is not stopped. */
  wake(): void;
}

interface Absence {
  ram: GuestRam;
  linear: LinearMemory;
  /** Ends the guards of devices. */
  unguard(): void;
}

export class LazyGuestRam implements LazyRam, PageQuestions {
  readonly #options: LazyGuestRamOptions;
  #absence: Absence | undefined;
  #waitsFor: number | undefined;

  constructor(options: LazyGuestRamOptions) {
    this.#options = options;
  }

  get waitsFor(): number | undefined {
    const page = this.#waitsFor;
    return page !== undefined && this.#absence?.ram.isAbsent(page) ? page : undefined;
  }

  begin(source: AbsentPages): void {
    this.#absence?.unguard();
    const { memory, core } = this.#options;
    const { cpu } = core;
    const ram = new GuestRam(memory, core.ramAddress, source);
    const linear = new LinearMemory(this.#paging(), ram);
    this.#absence = { ram, linear, unguard: guardDeviceAccess(cpu, ram) };
    this.#waitsFor = undefined;
    core.askAboutPages(this);
    // An entry of before lets the guest use its page unasked.
    cpu.full_clear_tlb();
  }

  arrived(): void {
    this.#options.wake();
  }

  end(): void {
    this.#absence?.unguard();
    this.#absence = undefined;
    this.#waitsFor = undefined;
    this.#options.core.askAboutPages(undefined);
    this.#options.wake();
  }

  /** The guest that waited was reset or replaced. */
  forgetWait(): void {
    this.#waitsFor = undefined;
  }

  /** All of RAM has been written: nothing that arrives later belongs there. */
  replaced(): void {
    this.#absence?.ram.replaceRange(0, Number.MAX_SAFE_INTEGER);
    this.forgetWait();
  }

  pageIsAbsent(address: number, isReal: boolean): boolean {
    if (!this.#absence) return false;
    const { linear } = this.#absence;
    const page = linear.absentFor(address);
    if (page === undefined) return false;
    if (!isReal) return true;
    const { core } = this.#options;
    if (core.isUnrepeatable) {
      linear.bring(address);
      return false;
    }
    this.#wait(page);
    return true;
  }

  irqMustWait(): boolean {
    if (!this.#absence) return false;
    const { ram, linear } = this.#absence;
    const { cpu } = this.#options.core;
    let mustWait = false;
    for (const span of interruptNeeds(cpu, (address) => linear.read32(address))) {
      for (const address of pagesOf(span)) {
        const page = linear.absentFor(address);
        if (page === undefined) continue;
        // The guest continues until then: an interrupt may be late.
        ram.want(page);
        mustWait = true;
      }
    }
    return mustWait;
  }

  controlRegisterMustWait(register: number, control: number): boolean {
    if (!this.#absence || ![0, 3, 4].includes(control)) return false;
    const { cr, reg32 } = this.#options.core.cpu;
    const value = reg32[register] ?? 0;
    if (!((control === 4 ? value : (cr[4] ?? 0)) & pae)) return false;
    const address = control === 3 ? value : (cr[3] ?? 0);
    const page = pointerPages(address).find((each) => this.#absence?.ram.isAbsent(each));
    if (page === undefined) return false;
    this.#wait(page);
    return true;
  }

  bringTask(selector: number): void {
    if (!this.#absence) return;
    const { ram, linear } = this.#absence;
    const { cpu } = this.#options.core;
    const read = (address: number) => {
      linear.bring(address);
      return linear.read32(address) ?? 0;
    };
    const descriptor = ((cpu.gdtr_offset[0] ?? 0) + (selector & 0xfff8)) >>> 0;
    const [low, high] = [read(descriptor), read(descriptor + 4)];
    const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;
    for (const address of pagesOf({ address: base, length: tss.bytes })) linear.bring(address);
    if ((cpu.cr[4] ?? 0) & pae) ram.bring(pointerPages(read(base + tss.cr3)));
  }

  #wait(page: number): void {
    this.#waitsFor = page;
    this.#absence?.ram.want(page);
    this.#options.core.endSlice();
  }

  /** The views of a core are replaced when it moves, and so are read each time. */
  #paging(): Paging {
    const { core } = this.#options;
    const control = (index: number) => core.cpu.cr[index] ?? 0;
    return {
      get cr0() {
        return control(0);
      },
      get cr3() {
        return control(3);
      },
      get cr4() {
        return control(4);
      },
      directoryPointer: (index) => core.directoryPointer(index),
    };
  }
}

/** One linear address in each page. */
function pagesOf({ address, length }: Span): number[] {
  const first = Math.floor(address / pageBytes);
  const last = Math.floor((address + length - 1) / pageBytes);
  return Array.from(
    { length: last - first + 1 },
    (_, index) => ((first + index) * pageBytes) >>> 0,
  );
}

/** Guest-physical pages of the page directory pointers of a CR3. */
function pointerPages(cr3: number): number[] {
  const { alignment, bytes } = directoryPointers;
  const address = (cr3 & -alignment) >>> 0;
  return [...new Set([address, address + bytes - 1])].map((each) => Math.floor(each / pageBytes));
}
