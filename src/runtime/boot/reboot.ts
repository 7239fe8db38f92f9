/**
 * Reboots a guest. A restored guest has neither firmware nor kernel, because it runs without them.
 * They are fetched at the reboot, and the guest is stopped until they arrive.
 */
import type { RuntimeHost } from '../../protocol/abi.ts';
import type { RunLoop } from '../core/run-loop.ts';
import { leavingRam } from '../core/v86-core.ts';
import type { DiskWaits } from '../disks/disk-waits.ts';
import { isAway } from '../disks/later-base.ts';
import { retry, TransientError } from '../disks/retry.ts';
import { firmwareNames, loadImages } from './boot-images.ts';
import type { KernelImage } from './kernel-image.ts';

/** CR0: without it a guest is in its firmware or in the first steps of its kernel. */
const paging = 1 << 31;
/** Used in events in place of a drive's name. */
const waitName = 'boot';
/**
 * Delay from a guest's load to the fetch of its firmware, which leaves its first answer
 * undisturbed.
 */
const firmwareMs = 2_000;

export interface RebootOptions {
  host: RuntimeHost;
  cpu: V86Cpu;
  /** v86's own reset. */
  reset(): void;
  kernel: KernelImage;
  loop: Pick<RunLoop, 'run' | 'hold'>;
  /** Notified while the server of firmware and kernel is unreachable. */
  waits: Pick<DiskWaits, 'begin' | 'end'>;
}

export class Reboot {
  readonly #options: RebootOptions;
  #bringing: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  #givingUp = new AbortController();
  #later: ReturnType<typeof setTimeout> | undefined;
  /** The action for when the images arrive. */
  #then = () => {};

  constructor(options: RebootOptions) {
    this.#options = options;
  }

  /** Set while a guest waits; it must not be saved then. Never rejects. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting;
  }

  /** Resets the guest. */
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

  /** Prepares for a guest that was loaded. */
  loaded(): void {
    const { cpu, kernel } = this.#options;
    cpu.option_roms = kernel.optionRoms;
    // Cancels the action of the previous guest.
    this.#then = () => {};
    this.giveUp();
    if (this.#isReady) return;
    const isInFirmware = ((cpu.cr[0] ?? 0) & paging) === 0;
    if (isInFirmware) this.#wait();
    // Its firmware is also at the top of the address space, where few guests read it.
    else this.#later = setTimeout(() => this.#bringFirmware().catch(() => {}), firmwareMs);
  }

  run(): void {
    this.#options.loop.run();
    if (this.#waiting) this.#hold(this.#waiting);
  }

  /** Ends the wait for a server: this guest was replaced or ended. */
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
    // The copy in RAM may have been changed by the guest, so it is left alone.
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

  /** Retries an unreachable server until it answers. */
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

  /** Holds the guest, unless it is stopped or resumed in between. */
  #hold(until: Promise<void>): void {
    void until.then(this.#options.loop.hold());
  }

  #putKernelBack(): void {
    const { cpu, kernel } = this.#options;
    for (const { address, bytes } of kernel.ram) cpu.write_blob(bytes, address);
  }
}
