import { CprError } from '../errors.ts';
import { askApproval } from './approval.ts';
import { foreignFiles } from './url-machine.ts';
import type { UrlOptions } from './url-options.ts';

/** Shows what the address has fetched from other origins, before any of it is fetched. */
export class AddressApproval {
  readonly #options: UrlOptions;
  #isGiven = false;

  constructor(options: UrlOptions) {
    this.#options = options;
  }

  /** Asks once; not where every file is from the page's own origin. @throws CprError `not-approved` */
  async require(): Promise<void> {
    const { machine, memoryMiB, typed = {} } = this.#options;
    const foreign = machine ? foreignFiles(machine, location.origin) : [];
    if (foreign.length === 0 || this.#isGiven) return;
    this.#isGiven = await askApproval({
      title: 'This address starts a machine with files from elsewhere',
      text: 'They are fetched from these servers, which learn that you did. What runs in the machine stays in it.',
      items: [
        ...foreign.map((value) => ({ what: 'Fetches', value })),
        ...(memoryMiB ? [{ what: 'RAM', value: `${memoryMiB} MiB` }] : []),
        ...Object.values(typed).map((value) => ({ what: 'Types', value })),
      ],
      ok: 'Fetch and start',
    });
    if (this.#isGiven) return;
    throw new CprError('not-approved', 'Nothing was fetched and nothing was started.');
  }
}
