/** The runtimes that a guest can move to. */
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { Site } from './site.ts';

export class GuestRuntimes {
  readonly #site: Site | undefined;

  constructor(site: Site | undefined) {
    this.#site = site;
  }

  /** Returns the guest's present runtime. */
  async present(runtimeId: string): Promise<RuntimeSource> {
    const found = (await this.#all()).find(({ id }) => id === runtimeId);
    if (found) return found;
    throw new Error('The runtime of this guest is no longer available.');
  }

  /** Returns a runtime other than the present one. */
  async other(runtimeId: string): Promise<RuntimeSource> {
    const found = (await this.#all()).find(({ id }) => id !== runtimeId);
    if (found) return found;
    throw new Error('There is no other runtime here: name the one to update to.');
  }

  async #all(): Promise<readonly RuntimeSource[]> {
    return (await this.#site?.runtimes()) ?? [];
  }
}
