import { defaultMachineId } from '../../client/machine-id.ts';
import { HoldfastError } from '../../errors.ts';
import { sourceName } from '../../protocol/images.ts';
import type { UrlOptions } from '../address/page-options.ts';
import { foreignFiles } from '../address/url-machine.ts';
import { foreignNetwork } from '../address/url-network.ts';
import { askApproval } from '../ui/approval.tsx';

/** Shows the address's fetches and connections to other origins, before any is made. */
export class AddressApproval {
  readonly #options: UrlOptions;
  #isGiven = false;
  #isMadeOwn = false;

  constructor(options: UrlOptions) {
    this.#options = options;
  }

  /**
   * Asks once, and not if everything is from the page's own origin.
   * @throws HoldfastError `not-approved`
   */
  async require(): Promise<void> {
    await this.#requireOwnPlace();
    const { machine, memoryMiB, typed = {} } = this.#options;
    const files = machine ? foreignFiles(machine, document.baseURI) : [];
    const network = foreignNetwork(machine?.settings.networkBackend, document.baseURI);
    if ((files.length === 0 && network.length === 0) || this.#isGiven) return;
    this.#isGiven = await askApproval({
      ...words(files.length > 0, network.length > 0),
      items: [
        ...network,
        ...files.map((value) => ({ what: 'Fetches', value })),
        ...(memoryMiB ? [{ what: 'RAM', value: `${memoryMiB} MiB` }] : []),
        ...Object.values(typed).map((value) => ({ what: 'Types', value })),
      ],
    });
    if (this.#isGiven) return;
    throw refused();
  }

  /** Asks before a link describes the visitor's own machine. @throws HoldfastError `not-approved` */
  async #requireOwnPlace(): Promise<void> {
    const { machine, machineId } = this.#options;
    if (!machine || machineId !== defaultMachineId || this.#isMadeOwn) return;
    const images = Object.entries(machine.images);
    this.#isMadeOwn = await askApproval({
      title: 'Make this your machine here?',
      text: 'Without a link, this site opens your own machine. This address puts one in its place that somebody else may have described.',
      items: images.map(([what, source]) => ({ what, value: sourceName(source) })),
      ok: 'Make it mine',
    });
    if (!this.#isMadeOwn) throw refused();
  }
}

const refused = () =>
  new HoldfastError('not-approved', 'Nothing was fetched and nothing was started.');

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
