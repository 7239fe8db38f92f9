/** Opens states from an address, from a link that holds one, or from a file. */
import { HoldfastError } from '../../errors.ts';
import { StateFile, type StateFileInfo } from '../../index.ts';
import { randomId } from '../../protocol/random-id.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { addressOf } from '../address/machine-address.ts';
import type { StateFileSource } from '../address/page-options.ts';
import { foreignNetwork } from '../address/url-network.ts';
import { openState, storedMachines } from '../session/guest-commands.ts';
import type { Session } from '../session/session.ts';
import { stateOfPayload } from '../share/link.ts';
import { askApproval } from '../ui/approval.tsx';
import { asName } from '../ui/foreign-text.ts';
import { formatAge, formatBytes } from '../ui/format.ts';
import { guessImage } from '../ui/guess-image.ts';
import { askFor } from './ask-for.ts';
import { fetchV86State } from './fetch-v86-state.ts';
import { discard, leave, pickUp, sweep } from './handoff.ts';
import { OpeningBar } from './opening-bar.tsx';
import { listed, questionBefore } from './place-of-machine.ts';

interface StateOpenerOptions {
  session: Session;
  durable: boolean;
  /** Runs an opening that replaces the guest of the page. */
  openInPage(open: (runtime: RuntimeSource) => Promise<void>): Promise<void>;
  /** Asks the user to describe the machine of a v86 state. */
  describe(v86State: File): void;
}

export class StateOpener {
  readonly #options: StateOpenerOptions;
  readonly #bar = new OpeningBar();

  constructor(options: StateOpenerOptions) {
    this.#options = options;
    // Insecure origins have no cache storage, so no file is left there.
    if ('caches' in globalThis) void sweep().catch(() => {});
  }

  /**
   * Opens the state in the address, as this page's machine. Asks first if it would fetch from another
   * origin or replace a guest.
   * @returns a v86 state, whose machine must be described before it can be opened
   * @throws HoldfastError of reading and opening it, `not-approved`, or `cancelled`
   */
  async openAddress(source: StateFileSource): Promise<File | undefined> {
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
        if (typeof identity === 'object') {
          // The same address, on the page of the machine that continues.
          location.assign(addressWith(identity.elsewhere, source));
          return new Promise<never>(() => {});
        }
        const { durable, session, openInPage } = this.#options;
        const { machineId } = session;
        // Lineage proves nothing about contents: every state of a machine has it.
        const own = await this.#ownMachine(file.info);
        const foreign = identity === 'clone' || (own?.isForeign ?? true);
        await openInPage(async (runtime) => {
          await openState(session, file, {
            runtime,
            replace: true,
            identity,
            config: { id: machineId, durable, name: asName(file.info.title), foreign },
            approve: (urls) => askFor(file.info, urls),
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
    // From here on the address names the machine. A reload attaches to it, and does not open the state
    // again.
    history.replaceState(null, '', addressOf(this.#options.session.machineId, document.baseURI));
    return undefined;
  }

  /** @returns the file, if it was refused because it is a v86 state */
  async #v86StateAt(url: string, refused: unknown, signal: AbortSignal): Promise<File | undefined> {
    if (!(refused instanceof HoldfastError) || refused.code !== 'bad-state-file') return undefined;
    const onProgress = this.#bar.show.bind(this.#bar);
    return fetchV86State(url, { signal, onProgress });
  }

  /** Shows the contents of a file. Opens it as a new machine, or in place of its original machine. */
  async openFile(file: File): Promise<void> {
    if ((await guessImage(file)) === 'v86State') return this.#options.describe(file);
    const state = await StateFile.read(file);
    state.close();
    const { info } = state;
    const own = await this.#ownMachine(info);
    const yes = await askApproval({
      title: 'Open this state?',
      text: own
        ? 'It looks like a state of a machine of yours. Next you choose: open a clone, or resume your machine from it.'
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
      abort.abort(new HoldfastError('cancelled', 'Opening the state was cancelled.')),
    );
    try {
      return await work(abort.signal);
    } finally {
      this.#bar.end();
    }
  }

  /** @throws HoldfastError `cancelled` */
  async #askIdentity(
    info: StateFileInfo,
  ): Promise<'clone' | 'continuation' | { elsewhere: string }> {
    const { session } = this.#options;
    const { machineId } = session;
    const { id: own, name = '' } = (await this.#ownMachine(info)) ?? {};
    if (own !== undefined && own !== machineId) {
      const mayResume = await askApproval({
        title: 'This looks like a state of a machine of yours',
        text: 'It bears the mark of your machine. Every state that you gave away has this mark, so somebody else may have made this one. If you trust it, your machine can resume from it, and its present state is replaced. A clone is a machine of its own.',
        items: [{ what: 'Your machine', value: name }, ...factsOf(info)],
        picture: info.thumbnail,
        ok: 'Resume my machine',
        cancel: 'Open as a clone',
      });
      if (mayResume) return { elsewhere: own };
    }
    const stored = await listed(() => storedMachines(session));
    const question = questionBefore({ machineId, isHere: session.status !== null, stored });
    if (question === 'replace') await requireReplacement(info);
    if (question === 'default') await requireDefault(info);
    return own === machineId ? 'continuation' : 'clone';
  }

  /**
   * The machine of this browser that the state belongs to. The id is no proof: default machines share it.
   */
  async #ownMachine({
    config: { lineage },
  }: StateFileInfo): Promise<{ id: string; name: string; isForeign: boolean } | undefined> {
    if (lineage === undefined) return undefined;
    const { session } = this.#options;
    const { machineId: id, status } = session;
    const stored = (await listed(() => storedMachines(session))) ?? [];
    const here = status ? [{ id, name: status.config.name, config: status.config }] : [];
    const found = [...here, ...stored].find(({ config }) => config?.lineage === lineage);
    return found && { id: found.id, name: found.name, isForeign: found.config?.foreign ?? false };
  }
}

async function contentsOf(source: StateFileSource): Promise<string | Blob> {
  if ('url' in source) return source.url;
  if ('payload' in source) return new Blob([stateOfPayload(source.payload)]);
  const file = await pickUp(source.handoff);
  if (file) return file;
  throw new HoldfastError('state-unavailable', 'The file is no longer there: open it again.');
}

/** Address of the page of a machine, with this state. */
function addressWith(machineId: string, source: StateFileSource): string {
  const address = new URL('./', document.baseURI);
  address.searchParams.set('machine', machineId);
  if ('url' in source) address.searchParams.set('state', source.url);
  else if ('handoff' in source) address.searchParams.set('opened', source.handoff);
  else address.hash = `s=${source.payload}`;
  return address.href;
}

/** @throws HoldfastError `not-approved` */
async function requireFetch(url: string): Promise<void> {
  if (new URL(url).origin === location.origin) return;
  const yes = await askApproval({
    title: 'This address opens a state from elsewhere',
    text: 'It is fetched from this server, which learns that you did. What runs in the machine stays in it.',
    items: [{ what: 'Fetches', value: url }],
    ok: 'Fetch and open',
  });
  if (!yes) throw new HoldfastError('not-approved', 'The state was not fetched.');
}

/** @throws HoldfastError `cancelled` */
async function requireReplacement(info: StateFileInfo): Promise<void> {
  const yes = await askApproval({
    title: 'Replace the machine that is here?',
    text: 'The present machine is discarded, with its memory and disks, once the state is open.',
    items: factsOf(info),
    picture: info.thumbnail,
    ok: 'Discard and open',
  });
  if (!yes) throw new HoldfastError('cancelled', 'The machine was left as it is.');
}

/** @throws HoldfastError `cancelled` */
async function requireDefault(info: StateFileInfo): Promise<void> {
  const yes = await askApproval({
    title: 'Make this your machine here?',
    text: 'Without a link, this site opens your own machine. You have none here yet, and this address makes one of a state that somebody else may have made.',
    items: factsOf(info),
    picture: info.thumbnail,
    ok: 'Make it mine',
  });
  if (!yes) throw new HoldfastError('cancelled', 'The place of your machine was left empty.');
}

function factsOf({ title, createdAtMs, sizeBytes, config, v86Version, base }: StateFileInfo) {
  const network = foreignNetwork(config.networkBackend, document.baseURI);
  return [
    { what: 'Title', value: title },
    { what: 'Made', value: `${formatAge(Date.now() - createdAtMs)} ago`, isOurs: true },
    ...(sizeBytes ? [{ what: 'Size', value: formatBytes(sizeBytes), isOurs: true }] : []),
    { what: 'Machine', value: `${config.memoryMiB} MiB RAM, v86 ${v86Version}` },
    ...network,
    ...(base ? [{ what: 'Builds on', value: base.url }] : []),
  ];
}
