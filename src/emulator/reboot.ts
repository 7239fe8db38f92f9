/**
 * Lets a guest boot again. One that was brought back has neither firmware nor kernel at hand, because it
 * does not need them: they are fetched when it does, and it stands still until they are there.
 */
import type { RuntimeHost } from '../protocol/abi.ts';
import { firmwareNames, loadImages } from './boot-images.ts';
import type { KernelImage } from './kernel-image.ts';
import type { RunLoop } from './run-loop.ts';
import { leavingRam } from './shell.ts';

/** CR0: without it a guest is in its firmware or in the first steps of its kernel. */
const paging = 1 << 31;

export interface RebootOptions {
  host: RuntimeHost;
  cpu: V86Cpu;
  /** v86's own. */
  reset(): void;
  kernel: KernelImage;
  loop: Pick<RunLoop, 'run' | 'hold'>;
}

export class Reboot {
  readonly #options: RebootOptions;
  #bringing: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  /** What the guest waits with. */
  #then = () => {};

  constructor(options: RebootOptions) {
    this.#options = options;
  }

  /** While a guest waits, until it goes on: it must not be saved. Never rejects. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting;
  }

  /** The guest is reset. */
  begin(): void {
    this.#options.reset();
    if (this.#isReady) {
      this.#putKernelBack();
      return;
    }
    this.#then = () => {
      this.#options.reset();
      this.#putKernelBack();
    };
    this.#wait();
  }

  /** A guest was loaded. */
  loaded(): void {
    const { cpu, kernel } = this.#options;
    cpu.option_roms = kernel.optionRoms;
    // Of a guest that is no more.
    this.#then = () => {};
    if (this.#isReady) return;
    const isInFirmware = ((cpu.cr[0] ?? 0) & paging) === 0;
    if (isInFirmware) this.#wait();
    // Its firmware is also at the top of the address space, where hardly a guest looks.
    else void this.#bringFirmware().catch(() => {});
  }

  run(): void {
    this.#options.loop.run();
    if (this.#waiting) this.#hold(this.#waiting);
  }

  /** @throws CprError `image-unavailable`; the next call tries again */
  bring(): Promise<void> {
    this.#bringing ??= this.#bring().finally(() => {
      this.#bringing = undefined;
    });
    return this.#bringing;
  }

  get #isReady(): boolean {
    return this.#hasFirmware && this.#options.kernel.isThere;
  }

  get #hasFirmware(): boolean {
    const { cpu, host } = this.#options;
    return cpu.bios.main !== undefined || !host.config.bios;
  }

  async #bring(): Promise<void> {
    const { cpu, kernel } = this.#options;
    await Promise.all([this.#bringFirmware(), kernel.bring()]);
    cpu.option_roms = kernel.optionRoms;
  }

  async #bringFirmware(): Promise<void> {
    const { cpu, host } = this.#options;
    if (this.#hasFirmware) return;
    const { bios, vgaBios } = await loadImages(host, firmwareNames);
    cpu.bios.main = bios?.slice().buffer;
    cpu.bios.vga = vgaBios?.slice().buffer;
    // What is in RAM may be as the guest has changed it.
    leavingRam(cpu, () => cpu.load_bios());
  }

  #wait(): void {
    const waiting = this.bring()
      .then(() => this.#then())
      .catch((thrown) => this.#options.host.crashed(thrown))
      .finally(() => {
        if (this.#waiting === waiting) this.#waiting = undefined;
      });
    this.#waiting = waiting;
    this.#hold(waiting);
  }

  /** Unless somebody stops or runs the guest meanwhile. */
  #hold(until: Promise<void>): void {
    void until.then(this.#options.loop.hold());
  }

  #putKernelBack(): void {
    const { cpu, kernel } = this.#options;
    for (const { address, bytes } of kernel.ram) {
      cpu.jit_dirty_cache(address, address + bytes.length);
      cpu.mem8.set(bytes, address);
    }
  }
}
