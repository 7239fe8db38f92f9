import { CprError } from '../errors.ts';
import { askApproval } from './approval.ts';
import { foreignFiles } from './url-machine.ts';
import { foreignNetwork } from './url-network.ts';
import type { UrlOptions } from './url-options.ts';

/** Shows what the address has fetched from other origins or connects to, before any of it is done. */
export class AddressApproval {
  readonly #options: UrlOptions;
  #isGiven = false;

  constructor(options: UrlOptions) {
    this.#options = options;
  }

  /** Asks once; not where everything is from the page's own origin. @throws CprError `not-approved` */
  async require(): Promise<void> {
    const { machine, memoryMiB, typed = {} } = this.#options;
    const files = machine ? foreignFiles(machine, document.baseURI) : [];
    const network = foreignNetwork(machine?.settings.networkBackend, document.baseURI);
    if ((files.length === 0 && network.length === 0) || this.#isGiven) return;
    this.#isGiven = await askApproval({
      ...words(files.length > 0, network.length > 0),
      items: [
        ...files.map((value) => ({ what: 'Fetches', value })),
        ...network,
        ...(memoryMiB ? [{ what: 'RAM', value: `${memoryMiB} MiB` }] : []),
        ...Object.values(typed).map((value) => ({ what: 'Types', value })),
      ],
    });
    if (this.#isGiven) return;
    throw new CprError('not-approved', 'Nothing was fetched and nothing was started.');
  }
}

function words(hasFiles: boolean, hasNetwork: boolean) {
  const what = [hasFiles && 'files from elsewhere', hasNetwork && 'a network'];
  const stays = 'What runs in the machine stays in it.';
  const leaves = 'What runs in the machine reaches others over the network, from this browser.';
  const fetched = 'The files are fetched from these servers, which learn that you did.';
  return {
    title: `This address starts a machine with ${what.filter(Boolean).join(' and ')}`,
    text: [...(hasFiles ? [fetched] : []), hasNetwork ? leaves : stays].join(' '),
    ok: hasFiles ? 'Fetch and start' : 'Connect and start',
  };
}
