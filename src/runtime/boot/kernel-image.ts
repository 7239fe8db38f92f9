/**
 * Contents that v86's Linux loader puts into a machine before its first instruction. v86 drops them on a
 * reset. They are kept here. A restored guest runs without them, and may never be reset. So they are made
 * at the first request.
 */
import type { RuntimeHost } from '../../protocol/abi.ts';
import type { Range } from '../core/page-ops.ts';
import type { V86Core } from '../core/v86-core.ts';
import { bootRanges, loadImages } from './boot-images.ts';
import { type Building, buildCore } from './build-core.ts';
import { imageNames } from './image-names.ts';

/** Parts of RAM by guest-physical address. */
type RamImage = readonly { address: number; bytes: Uint8Array }[];
type OptionRoms = V86Cpu['option_roms'];

/** Names of the two parts in `host.kept`. */
const kept = { ram: 'boot.image', optionRoms: 'boot.optionRoms' } as const;

const wasmPage = 65536;

export class KernelImage {
  readonly #host: RuntimeHost;
  readonly #building: Omit<Building, 'images' | 'disks' | 'coldBoot' | 'incoming'>;
  #making: Promise<void> | undefined;

  constructor(building: Omit<Building, 'images' | 'disks' | 'coldBoot' | 'incoming'>) {
    this.#host = building.host;
    this.#building = building;
  }

  /** False for a machine that boots a kernel that was not fetched yet. */
  get isThere(): boolean {
    return !this.#host.config.bzImage || this.#host.kept.has(kept.ram);
  }

  get ram(): RamImage {
    return (this.#host.kept.get(kept.ram) ?? []) as RamImage;
  }

  /** The loader, which the firmware finds beside guest RAM. */
  get optionRoms(): OptionRoms {
    return (this.#host.kept.get(kept.optionRoms) ?? []) as OptionRoms;
  }

  /**
   * Keeps the image of a core that has just loaded it.
   * @param ram the guest's memory after the loader, firmware first: v86 loads that again itself
   */
  keep({ cpu }: V86Core, [, ...ram]: RamImage): void {
    this.#host.kept.set(kept.optionRoms, cpu.option_roms);
    this.#host.kept.set(kept.ram, ram);
  }

  /**
   * Fetches the image if it is missing.
   * @throws HoldfastError `image-unavailable`; the next call tries again
   */
  async bring(): Promise<void> {
    if (this.isThere) return;
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    await this.#making;
  }

  /** Makes the image in separate memory: scratch memory may be in use for another runtime. */
  async #make(): Promise<void> {
    const host = this.#host;
    const images = await loadImages(host, imageNames);
    const pages = host.scratch.buffer.byteLength / wasmPage;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const config = { ...host.config, filesystem9p: false };
    const { core } = await buildCore(
      {
        ...this.#building,
        host: { ...host, config },
        images,
        disks: {},
        coldBoot: true,
        incoming: false,
      },
      memory,
    );
    const ram = new Uint8Array(memory.buffer);
    const copy = ({ start, end }: Range) => ({
      address: start,
      bytes: ram.slice(core.ramAddress + start, core.ramAddress + end),
    });
    this.keep(core, bootRanges(images).map(copy));
    core.destroy();
  }
}
