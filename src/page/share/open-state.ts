/** Opens states: from an address, from a link that holds one, from a file. */
import { CprError } from '../../errors.ts';
import { StateFile, type StateFileInfo, type StateUrl } from '../../index.ts';
import type { RuntimeSource } from '../../protocol/keeper-api.ts';
import { randomId } from '../../protocol/random-id.ts';
import { askApproval } from '../approval.ts';
import { formatAge, formatBytes } from '../format.ts';
import { addressOf } from '../machines/machine-address.ts';
import { guessImage } from '../new-machine/guess-image.ts';
import type { Session } from '../session.ts';
import { foreignNetwork } from '../url-network.ts';
import type { StateSource } from '../url-options.ts';
import { fetchV86State } from './fetch-v86-state.ts';
import { discard, leave, pickUp } from './handoff.ts';
import { stateOfPayload } from './link.ts';
import { OpeningBar } from './opening-bar.ts';

export interface StateOpenerOptions {
  session: Session;
  durable: boolean;
  /** Runs an opening that takes the place of what the page shows. */
  openInPage(open: (runtime: RuntimeSource) => Promise<void>): Promise<void>;
  /** Asks for the machine that a state of v86 belongs to, which says little of it itself. */
  describe(v86State: File): void;
}

export class StateOpener {
  readonly #options: StateOpenerOptions;
  readonly #bar = new OpeningBar();

  constructor(options: StateOpenerOptions) {
    this.#options = options;
  }

  /**
   * Opens the state that the address of this page asks for, as this page's machine. What of another
   * origin would be fetched, and a guest that would be replaced, is asked about first.
   * @returns a state of v86 itself, whose machine is to be described before it can be opened
   * @throws CprError of reading and opening it, `not-approved`, or `cancelled`
   */
  async openAddress(source: StateSource): Promise<File | undefined> {
    if ('url' in source) await requireFetch(source.url);
    const v86State = await this.#withBar('Opening the state', async (signal) => {
      const onProgress = ({ loadedBytes = 0, totalBytes = 0 }) =>
        this.#bar.show(loadedBytes, totalBytes);
      let file: StateFile;
      try {
        file = await StateFile.read(await contentsOf(source), { signal, onProgress });
      } catch (thrown) {
        const v86State = 'url' in source && (await this.#v86StateAt(source.url, thrown, signal));
        if (v86State) return v86State;
        throw thrown;
      }
      try {
        const identity = await this.#askIdentity(file.info);
        if (identity === 'elsewhere') {
          // The same address, for the page of the machine that goes on.
          location.assign(addressWith(file.info.machineId, source));
          return new Promise<never>(() => {});
        }
        if (!('handoff' in source)) await requireNetwork(file.info);
        const { durable, session, openInPage } = this.#options;
        const { machineId } = session;
        await openInPage(async (runtime) => {
          await session.openState(file, {
            runtime,
            replace: true,
            identity,
            config: { id: machineId, durable, name: file.info.title },
            approve: (urls) => askForUrls(file.info, urls),
            signal,
          });
        });
      } finally {
        file.close();
      }
      return undefined;
    });
    if (v86State) return v86State;
    if ('handoff' in source) await discard(source.handoff);
    // From here on the address is that of the machine: a reload comes back to it, not to the state.
    history.replaceState(null, '', addressOf(this.#options.session.machineId, document.baseURI));
    return undefined;
  }

  /** @returns what is there, where it was refused because it is a state of v86 itself */
  async #v86StateAt(url: string, refused: unknown, signal: AbortSignal): Promise<File | undefined> {
    if (!(refused instanceof CprError) || refused.code !== 'bad-state-file') return undefined;
    const onProgress = this.#bar.show.bind(this.#bar);
    return fetchV86State(url, { signal, onProgress });
  }

  /** Shows what a file holds, and opens it as a machine of its own or as the one that it is a state of. */
  async openFile(file: File): Promise<void> {
    if ((await guessImage(file)) === 'v86State') return this.#options.describe(file);
    const state = await StateFile.read(file);
    state.close();
    const { info } = state;
    const own = await this.#ownMachine(info);
    const yes = await askApproval({
      title: `Open “${info.title}”?`,
      text: own
        ? 'It opens as a machine of its own, a clone; or next you may let your machine go on from it.'
        : 'It opens as a machine of its own. The guest that is here now stays where it is.',
      items: factsOf(info),
      picture: info.thumbnail,
      ok: 'Open',
    });
    if (!yes) return;
    const token = randomId();
    await leave(token, file);
    location.assign(addressWith(randomId(), { handoff: token }));
  }

  async #withBar<T>(label: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    this.#bar.begin(label, () =>
      abort.abort(new CprError('cancelled', 'Opening the state was cancelled.')),
    );
    try {
      return await work(abort.signal);
    } finally {
      this.#bar.end();
    }
  }

  /** @throws CprError `cancelled` */
  async #askIdentity(info: StateFileInfo): Promise<'clone' | 'continuation' | 'elsewhere'> {
    const { session } = this.#options;
    const { machineId } = session;
    const isOfThisMachine = info.machineId === machineId;
    if (!isOfThisMachine && (await this.#ownMachine(info))) {
      const goOn = await askApproval({
        title: 'This is a state of a machine of yours',
        text: 'Open it as a clone: a machine of its own, with another network address. Or let your machine go on from it: what it is now is then replaced.',
        items: factsOf(info),
        picture: info.thumbnail,
        ok: 'Let my machine go on',
        cancel: 'Open as a clone',
      });
      if (goOn) return 'elsewhere';
    }
    const stored = await session.storedMachines().catch(() => []);
    const present = session.status ?? stored.find(({ id }) => id === machineId);
    if (present) await requireReplacement(info);
    return isOfThisMachine ? 'continuation' : 'clone';
  }

  async #ownMachine({ machineId }: StateFileInfo): Promise<boolean> {
    const { session } = this.#options;
    if (session.status?.config.id === machineId) return true;
    const stored = await session.storedMachines().catch(() => []);
    return stored.some(({ id }) => id === machineId);
  }
}

async function contentsOf(source: StateSource): Promise<string | Blob> {
  if ('url' in source) return source.url;
  if ('payload' in source) return new Blob([stateOfPayload(source.payload)]);
  const file = await pickUp(source.handoff);
  if (file) return file;
  throw new CprError('state-unavailable', 'The file is no longer there: open it again.');
}

/** The page of a machine, asked for this state. */
function addressWith(machineId: string, source: StateSource): string {
  const address = new URL('./', document.baseURI);
  address.searchParams.set('machine', machineId);
  if ('url' in source) address.searchParams.set('state', source.url);
  else if ('handoff' in source) address.searchParams.set('opened', source.handoff);
  else address.hash = `s=${source.payload}`;
  return address.href;
}

/** @throws CprError `not-approved` */
async function requireFetch(url: string): Promise<void> {
  if (new URL(url).origin === location.origin) return;
  const yes = await askApproval({
    title: 'This address opens a state from elsewhere',
    text: 'It is fetched from this server, which learns that you did. What runs in the machine stays in it.',
    items: [{ what: 'Fetches', value: url }],
    ok: 'Fetch and open',
  });
  if (!yes) throw new CprError('not-approved', 'The state was not fetched.');
}

/**
 * Those that have no address of their own: the others are among the URLs that a state is asked about.
 * @throws CprError `not-approved`
 */
async function requireNetwork(info: StateFileInfo): Promise<void> {
  const network = foreignNetwork(info.config.networkBackend, location.origin);
  const isAskedAbout = info.urls.some(({ purpose }) => purpose === 'network');
  if (network === undefined || isAskedAbout) return;
  const yes = await askApproval({
    title: 'This state comes with a network',
    text: 'What runs in the machine reaches others over it, from this browser. Whoever made the state chose it.',
    picture: info.thumbnail,
    items: [
      { what: 'State', value: info.title },
      { what: 'Network', value: network },
    ],
    ok: 'Connect and open',
  });
  if (!yes) throw new CprError('not-approved', 'The network was not approved; nothing was opened.');
}

/** @throws CprError `cancelled` */
async function requireReplacement(info: StateFileInfo): Promise<void> {
  const yes = await askApproval({
    title: 'Replace the machine that is here?',
    text: 'The machine as it is now is thrown away, with its memory and disks, once the state is open.',
    items: factsOf(info),
    picture: info.thumbnail,
    ok: 'Throw away and open',
  });
  if (!yes) throw new CprError('cancelled', 'The machine was left as it is.');
}

function askForUrls(info: StateFileInfo, urls: readonly StateUrl[]): Promise<boolean> {
  return askApproval({
    title: 'This state needs what is elsewhere',
    text: 'These servers are asked for it, and learn that you did. Whoever made the state chose them.',
    picture: info.thumbnail,
    items: [
      { what: 'State', value: info.title },
      ...urls.map(({ purpose, url }) => ({ what: purposes[purpose] ?? purpose, value: url })),
    ],
    ok: 'Fetch and open',
  });
}

const purposes: Partial<Record<StateUrl['purpose'], string>> = {
  base: 'Builds on',
  network: 'Network',
};

function factsOf({ title, createdAtMs, sizeBytes, config, v86Version, base }: StateFileInfo) {
  const network = foreignNetwork(config.networkBackend, location.origin);
  return [
    { what: 'Title', value: title },
    { what: 'Made', value: `${formatAge(Date.now() - createdAtMs)} ago` },
    ...(sizeBytes ? [{ what: 'Size', value: formatBytes(sizeBytes) }] : []),
    { what: 'Machine', value: `${config.memoryMiB} MiB RAM, v86 ${v86Version}` },
    ...(network === undefined ? [] : [{ what: 'Network', value: network }]),
    ...(base ? [{ what: 'Builds on', value: base.url }] : []),
  ];
}
