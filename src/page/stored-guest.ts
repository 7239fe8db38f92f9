/** The guest in storage, when the page is opened and its keeper has none. */
import { CprError } from '../errors.ts';
import type { StoredMachineInfo } from '../protocol/stored.ts';
import { formatAge } from './format.ts';
import { addressOf } from './machines/machine-address.ts';
import type { Notices } from './notices.ts';
import { resumeSetting } from './resume-setting.ts';
import type { Session } from './session.ts';

export interface StoredGuestOptions {
  session: Session;
  notices: Notices;
  machineId: string;
  /** Boots a guest in place of the one in storage, or beside it, without checkpoints. */
  boot(durable: boolean): Promise<void>;
  startFresh(): void;
  /** Goes on with the guest in storage; deals with what goes wrong. */
  resume(takeOver: boolean): Promise<void>;
  failed(error: CprError, again: () => void): void;
}

/** Finds out whether there is one, and does with it what this browser's user chose. */
export class StoredGuest {
  readonly #options: StoredGuestOptions;

  constructor(options: StoredGuestOptions) {
    this.#options = options;
  }

  /** Leaves a guest that runs, or a notice that offers what to do. */
  async open(): Promise<void> {
    const { boot, resume } = this.#options;
    const stored = await this.#find();
    if (!stored) return boot(true);
    switch (resumeSetting()) {
      case 'auto':
        return resume(false);
      case 'ask':
        return this.#ask(stored);
      case 'never':
        await boot(false);
        return this.#tellLeftAlone(stored);
    }
  }

  /** After a resume that failed because it runs in another tab. */
  offerTakeOver(): void {
    const { session, notices, machineId, resume, failed } = this.#options;
    const clone = async () => {
      try {
        const id = await session.duplicate(machineId, 'Copy');
        location.assign(addressOf(id, document.baseURI));
      } catch (thrown) {
        failed(CprError.from(thrown, 'internal', 'No copy could be made'), () =>
          this.offerTakeOver(),
        );
      }
    };
    notices.show('stored', {
      tone: 'warning',
      title: 'This machine runs in another tab',
      text: 'Go on there, take it over (it is saved there and goes on here), or open a copy as it was last saved.',
      actions: [
        { label: 'Take over', run: () => void resume(true) },
        { label: 'Open a copy', run: () => void clone() },
      ],
    });
  }

  async #find(): Promise<StoredMachineInfo | undefined> {
    const { session, machineId, notices } = this.#options;
    try {
      const machines = await session.storedMachines();
      return machines.find(({ id, takenAtMs }) => id === machineId && takenAtMs !== undefined);
    } catch (thrown) {
      const error = CprError.from(thrown, 'storage-unavailable', 'Storage cannot be read');
      // A keeper of an earlier release has no storage.
      if (error.code === 'keeper-incompatible') return undefined;
      notices.show('durability', {
        tone: 'warning',
        title: 'This guest will not be saved',
        text: 'The browser gives this site no storage, so the guest is lost when the browser ends. Leave private browsing, or allow storage for this site, and reload.',
        detail: error.message,
      });
      return undefined;
    }
  }

  #ask(stored: StoredMachineInfo): void {
    const { notices, startFresh, resume } = this.#options;
    notices.show('stored', {
      tone: 'info',
      title: `“${stored.name}” is in storage, ${age(stored)} old`,
      text: 'It goes on where it was, or a new guest boots in its place.',
      actions: [
        { label: 'Resume', run: () => void resume(false) },
        { label: 'Start fresh…', run: startFresh },
      ],
    });
  }

  #tellLeftAlone(stored: StoredMachineInfo): void {
    const { notices, resume } = this.#options;
    notices.show('stored', {
      tone: 'info',
      title: `“${stored.name}” was left in storage, ${age(stored)} old`,
      text: 'So this new guest is not saved. The settings say what happens when the page is opened.',
      actions: [{ label: 'Resume the stored one', run: () => void resume(false) }],
    });
  }
}

function age({ takenAtMs = Date.now() }: StoredMachineInfo): string {
  return formatAge(Date.now() - takenAtMs);
}
