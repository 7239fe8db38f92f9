/**
 * Lets a guest boot again. One that was brought back has neither firmware nor kernel at hand, because it
 * does not need them: they are fetched when it does, and it stands still until they are there.
 */
import type { RuntimeHost } from '../../protocol/abi.ts';
import { leavingRam } from '../core/v86-core.ts';
import type { DiskWaits } from '../disks/disk-waits.ts';
import { isAway } from '../disks/later-base.ts';
import { retry, TransientError } from '../disks/retry.ts';
import type { RunLoop } from '../run-loop.ts';
import { firmwareNames, loadImages } from './boot-images.ts';
import type { KernelImage } from './kernel-image.ts';

/** CR0: without it a guest is in its firmware or in the first steps of its kernel. */
const paging = 1 << 31;
/** Stands in events where the name of a drive does otherwise. */
const waitName = 'boot';
/** How long after a guest was loaded its firmware is fetched: its first answer goes before. */
const firmwareMs = 2_000;

export interface RebootOptions {
  host: RuntimeHost;
  cpu: V86Cpu;
  /** v86's own. */
  reset(): void;
  kernel: KernelImage;
  loop: Pick<RunLoop, 'run' | 'hold'>;
  /** Told while the server of firmware and kernel is away. */
  waits: Pick<DiskWaits, 'begin' | 'end'>;
}

export class Reboot {
  readonly #options: RebootOptions;
  #bringing: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  #givingUp = new AbortController();
  #later: ReturnType<typeof setTimeout> | undefined;
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
    this.giveUp();
    if (this.#isReady) return;
    const isInFirmware = ((cpu.cr[0] ?? 0) & paging) === 0;
    if (isInFirmware) this.#wait();
    // Its firmware is also at the top of the address space, where hardly a guest looks.
    else this.#later = setTimeout(() => this.#bringFirmware().catch(() => {}), firmwareMs);
  }

  run(): void {
    this.#options.loop.run();
    if (this.#waiting) this.#hold(this.#waiting);
  }

  /** Ends the wait for a server: this guest was replaced by another one, or ended. */
  giveUp(): void {
    clearTimeout(this.#later);
    this.#givingUp.abort();
    this.#givingUp = new AbortController();
    this.#waiting = undefined;
    this.#options.waits.end(waitName);
  }

  /** @throws HoldfastError `image-unavailable`; the next call tries again */
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
    const { signal } = this.#givingUp;
    const givenUp = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const brought = this.#bringPatiently(signal)
      .then(() => {
        if (!signal.aborted) this.#then();
      })
      .catch((thrown) => {
        if (!signal.aborted) this.#options.host.crashed(thrown);
      });
    const waiting = Promise.race([brought, givenUp]).finally(() => {
      if (this.#waiting === waiting) this.#waiting = undefined;
    });
    this.#waiting = waiting;
    this.#hold(waiting);
  }

  /** A server that is away is asked again until it answers. */
  async #bringPatiently(signal: AbortSignal): Promise<void> {
    const { waits } = this.#options;
    const attempt = () =>
      this.bring().catch((cause: Error) => {
        throw isAway(cause) ? new TransientError(cause.message, { cause }) : cause;
      });
    try {
      await retry(attempt, {
        signal,
        failed: ({ message }) => waits.begin(waitName, message),
        recovered: () => {},
      });
    } finally {
      if (!signal.aborted) waits.end(waitName);
    }
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
