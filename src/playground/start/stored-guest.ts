/** Handles the guest in storage, when the page is opened and its keeper has none. */
import { HoldfastError } from '../../errors.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { ResumeRequest, StoredMachineInfo } from '../../protocol/stored.ts';
import { addressOf } from '../address/machine-address.ts';
import { errorText } from '../notices/error-text.ts';
import type { Notices } from '../notices/notices.tsx';
import { storedMachines, watchMachine } from '../session/guest-commands.ts';
import type { Session } from '../session/session.ts';
import { formatAge } from '../ui/format.ts';
import { resumeSetting } from '../ui/resume-setting.ts';

export type ResumeHow = Pick<ResumeRequest, 'takeOver' | 'replace'>;

interface StoredGuestOptions {
  session: Session;
  notices: Notices;
  /** Boots a guest in place of the one in storage, or beside it, without checkpoints. */
  boot(durable: boolean): Promise<void>;
  /**
   * Asks the user first.
   * @returns whether a new guest boots
   */
  startFresh(): Promise<boolean>;
  /** Resumes the guest in storage, and reports failures. */
  resume(how?: ResumeHow): Promise<void>;
  failed(error: HoldfastError, again: () => void): void;
  /** Opens the list of machines. */
  showMachines(): void;
}

/** Looks for a stored guest, and follows the user's setting for it. */
export class StoredGuest {
  readonly #options: StoredGuestOptions;
  /** The notice is about a machine of another tab. */
  #watchShown = false;
  /** The guest in storage under this page's id, if another one runs here. */
  #waiting: StoredMachineInfo | undefined;

  constructor(options: StoredGuestOptions) {
    this.#options = options;
    options.session.onChange(() => this.#showEnd());
  }

  /** Names the stored guest that a new guest of this page would replace. */
  get replaced(): string | undefined {
    const stored = this.#waiting;
    return stored && `“${stored.name}”, saved ${age(stored)} ago`;
  }

  /** The configuration of the guest in storage, without contents. */
  get config(): MachineConfig | undefined {
    return this.#waiting?.config;
  }

  /** The guest that runs here is now the one in storage. */
  settled(): void {
    this.#waiting = undefined;
  }

  /** Keeps a running guest, or shows a notice with the next steps. */
  async open(): Promise<void> {
    const { boot, resume } = this.#options;
    const stored = await this.#find();
    if (stored === 'newer') return this.#showWentBack();
    this.#waiting = stored;
    if (!stored) return boot(true);
    if (stored.running === 'elsewhere') return this.watch();
    switch (resumeSetting()) {
      case 'auto':
        return resume();
      case 'ask':
        return this.#ask(stored);
      case 'never':
        await boot(false);
        return this.#showLeftAlone(stored);
    }
  }

  /** The machine runs in another tab: shows it, and offers a takeover or a copy. */
  async watch(): Promise<void> {
    const { session, failed } = this.#options;
    const again = () => void this.watch();
    try {
      await watchMachine(session, {
        began: () => this.#showWatching(),
        gone: () => this.#showGone('The tab that ran this machine was closed'),
      });
    } catch (thrown) {
      const error = HoldfastError.from(thrown, 'internal', 'The machine cannot be shown');
      if (error.code !== 'not-found') failed(error, again);
      else {
        const found = await this.#find();
        if (found && found !== 'newer' && found.running === 'elsewhere') this.#offerTakeOver(error);
        else await this.open();
      }
    }
  }

  #showEnd(): void {
    const { session, notices } = this.#options;
    const { status, isWatching, busy } = session;
    if (!isWatching && this.#watchShown && busy === null) {
      this.#watchShown = false;
      notices.remove('stored');
    }
    // After a takeover the other tab shows the machine again.
    if (isWatching && status?.destroyed && status.reason?.code !== 'taken-over')
      this.#showGone('The machine was ended in the other tab');
  }

  #showWatching(): void {
    this.#showElsewhere(
      'You watch it and cannot type into it. Take it over (it is saved there and resumes here), or open a copy of its last checkpoint.',
    );
  }

  /** The guest cannot be shown: its page does not answer. */
  #offerTakeOver({ message }: HoldfastError): void {
    this.#showElsewhere(
      'Use it there, or take it over: it is saved there and resumes here. You can also open a copy of its last checkpoint.',
      message,
    );
  }

  #showElsewhere(text: string, detail?: string): void {
    const { notices, resume } = this.#options;
    this.#watchShown = true;
    // The other tab shows how the machine survives that page.
    notices.remove('survival');
    notices.show('stored', {
      tone: 'warning',
      title: 'This machine runs in another tab',
      text,
      ...(detail !== undefined && { detail }),
      lasting: true,
      actions: [
        { label: 'Take over', run: () => void resume({ takeOver: true }) },
        { label: 'Open a copy', run: () => void this.#openCopy() },
      ],
    });
  }

  #showGone(title: string): void {
    this.#watchShown = true;
    this.#options.notices.show('stored', {
      tone: 'warning',
      title,
      text: 'You see its last picture. It can resume here from its last checkpoint.',
      lasting: true,
      actions: [{ label: 'Resume here', run: () => void this.#options.resume() }],
    });
  }

  async #openCopy(): Promise<void> {
    const { session, failed } = this.#options;
    try {
      const id = await session.connected.storage.duplicate(session.machineId, 'Copy');
      location.assign(addressOf(id, document.baseURI));
    } catch (thrown) {
      failed(HoldfastError.from(thrown, 'internal', 'No copy could be made'), () =>
        this.#showWatching(),
      );
    }
  }

  /** @returns `newer`: a newer version of this site has stored the guest */
  async #find(): Promise<StoredMachineInfo | 'newer' | undefined> {
    const { session, notices } = this.#options;
    try {
      const machines = await storedMachines(session);
      if (machines.some(({ newer }) => newer)) return 'newer';
      const found = machines.find(({ id }) => id === session.machineId);
      return found?.takenAtMs === undefined && found?.running !== 'elsewhere' ? undefined : found;
    } catch (thrown) {
      const error = HoldfastError.from(thrown, 'storage-unavailable', 'Storage cannot be read');
      // A keeper of an earlier release has no storage.
      if (error.code === 'keeper-incompatible') return undefined;
      if (error.code === 'storage-newer') return 'newer';
      const { title, advice } = errorText(error, 'storage');
      notices.show('durability', {
        tone: 'warning',
        title: `This guest will not be saved: ${title}`,
        text: advice,
        detail: `${error.message} (${error.code})`,
      });
      return undefined;
    }
  }

  /** This page was just loaded: reloading finds no newer one. */
  #showWentBack(): void {
    const { notices, boot } = this.#options;
    notices.show('stored', {
      tone: 'warning',
      title: 'This site went back to an older version',
      text: 'A newer one has stored the machines that are here. They are left as they are, and nothing was started. Export what you need, or come back when the site is updated.',
      lasting: true,
      actions: [
        {
          label: 'Export machines…',
          run: () => {
            this.#options.showMachines();
            this.#showWentBack();
          },
        },
        { label: 'Start without saving', run: () => void boot(false) },
      ],
    });
  }

  #ask(stored: StoredMachineInfo): void {
    const { notices, startFresh, resume } = this.#options;
    notices.show('stored', {
      tone: 'info',
      title: `“${stored.name}” is in storage, ${age(stored)} old`,
      text: 'Resume it, or boot a new guest in its place.',
      actions: [
        { label: 'Resume', run: () => void resume() },
        {
          label: 'Start fresh…',
          run: async () => {
            if (!(await startFresh())) this.#ask(stored);
          },
        },
      ],
    });
  }

  #showLeftAlone(stored: StoredMachineInfo): void {
    const { notices, resume } = this.#options;
    notices.show('stored', {
      tone: 'info',
      title: `“${stored.name}” was left in storage, ${age(stored)} old`,
      text: 'So this new guest is not saved. The settings say what happens when the page is opened.',
      actions: [{ label: 'Resume the stored one', run: () => void resume({ replace: true }) }],
    });
  }
}

function age({ takenAtMs = Date.now() }: StoredMachineInfo): string {
  return formatAge(Date.now() - takenAtMs);
}
