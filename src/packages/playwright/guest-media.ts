/** Media that are inserted into the guest's drives while it runs. */
import type { DriveSource, RemovableDriveName } from '../../protocol/config.ts';
import { callMachine } from './call-machine.ts';
import type { GuestPage } from './guest-page.ts';
import type { Site } from './site.ts';

/** A medium for a drive, or a file of the computer that runs the test. */
export type Medium = DriveSource | { path: string };

export class GuestMedia {
  readonly #page: GuestPage;
  readonly #site: Site | undefined;

  /** @param site serves files of this computer */
  constructor(page: GuestPage, site: Site | undefined) {
    this.#page = page;
    this.#site = site;
  }

  /** @param image a medium, or the path of a file on this computer */
  async insert(drive: RemovableDriveName, image: string | Medium): Promise<void> {
    const medium = typeof image === 'string' ? { path: image } : image;
    const source = 'path' in medium ? await this.#served(medium.path) : medium;
    await callMachine(
      this.#page.current,
      (machine, [device, given]) => machine.changeMedia(device, given),
      [drive, source] as const,
    );
  }

  eject(drive: RemovableDriveName): Promise<void> {
    return callMachine(this.#page.current, (machine, device) => machine.ejectMedia(device), drive);
  }

  async #served(path: string): Promise<DriveSource> {
    if (!this.#site) throw new Error(`Nothing serves ${path} to this guest: give bytes or a URL.`);
    return { url: await this.#site.share(path) };
  }
}
