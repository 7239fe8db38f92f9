/** Offers to move the guest to the keeper of this page's build, and moves it. */
import { keeperBuild } from 'virtual:holdfast-build';
import type { Machine } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import type { Notices } from '../notices/notices.tsx';
import { servedBuild } from '../notices/site-update.ts';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { formatPause } from '../ui/format.ts';
import { onSetting, readSetting, writeSetting } from '../ui/settings.ts';
import { showOffer } from './update-bar.tsx';

interface KeeperUpgradeOptions {
  session: Session;
  notices: Notices;
  /** Called when the move failed; the guest continues where it was. */
  failed(error: HoldfastError, again: () => void): void;
}

export class KeeperUpgrade {
  readonly #options: KeeperUpgradeOptions;
  readonly #bar = element('keeper-bar', HTMLElement);
  readonly #result = element('update-result', HTMLElement);
  /** The keeper's build that this page may replace by its own. */
  #replaceable: string | undefined;
  #isDismissed = false;

  constructor(options: KeeperUpgradeOptions) {
    this.#options = options;
    const { session } = options;
    session.onMachine((machine) => this.#follow(machine));
    session.onChange(() => this.#show());
    onSetting('auto-update', () => this.#show());
  }

  #follow(machine: Machine): void {
    machine.on('moved', ({ downtimeMs }) => {
      writeSetting('keeper-moved', 'yes');
      if (this.#options.session.busy !== 'upgrade-keeper')
        this.#showMoved('Another page moved the guest to a newer keeper', downtimeMs);
      this.#show();
    });
    void this.#compare(machine);
  }

  /** A page of an earlier deployment must not offer its own keeper. */
  async #compare({ keeper, survivesReload }: Machine): Promise<void> {
    this.#replaceable = undefined;
    if (!survivesReload || keeper.build === undefined || keeper.build === keeperBuild) return;
    if ((await servedBuild()).keeperBuild !== keeperBuild) return;
    this.#replaceable = keeper.build;
    this.#show();
    if (readSetting('auto-update') === 'on' && this.#isFree) await this.#move();
  }

  get #isFree(): boolean {
    const { busy, isWatching, status } = this.#options.session;
    return busy === null && !isWatching && status !== null;
  }

  async #move(override = false): Promise<void> {
    const { session, notices, failed } = this.#options;
    notices.remove('upgrade-keeper');
    this.#showMessage('Moving to the newer keeper… the guest keeps running meanwhile');
    try {
      const report = await session.run('upgrade-keeper', (machine) =>
        machine.upgradeKeeper({ override }),
      );
      // The event may be missing.
      if (report) writeSetting('keeper-moved', 'yes');
      this.#showMoved('Moved to the newer keeper', report?.downtimeMs);
    } catch (thrown) {
      this.#showMessage('Not moved', 'bad');
      const error = HoldfastError.from(thrown, 'internal', 'The guest could not be moved');
      if (error.code === 'blocked') this.#showBlockers(error);
      else failed(error, () => void this.#move(override));
    }
  }

  #showBlockers({ message }: HoldfastError): void {
    this.#options.notices.show('upgrade-keeper', {
      tone: 'warning',
      title: 'Not everything would follow the guest to the newer keeper',
      text: message,
      actions: [{ label: 'Move anyway', run: () => void this.#move(true) }],
    });
  }

  #show(): void {
    const { machine, isWatching } = this.#options.session;
    const build = machine?.keeper.build;
    const isOffered = build !== undefined && build === this.#replaceable && !isWatching;
    if (!isOffered || this.#isDismissed) {
      showOffer(this.#bar, null);
      return;
    }
    showOffer(this.#bar, {
      name: 'Newer keeper',
      label: 'Move the guest',
      text: 'A newer version of the worker that holds the guest is available.',
      isDisabled: !this.#isFree,
      run: () => void this.#move(),
      dismiss: () => {
        this.#isDismissed = true;
        this.#show();
      },
    });
  }

  #showMoved(what: string, downtimeMs: number | undefined): void {
    const pause = downtimeMs === undefined ? '' : `, guest paused ${formatPause(downtimeMs)}`;
    this.#showMessage(`${what}${pause}`, 'good');
  }

  #showMessage(text: string, tone: 'good' | 'bad' | '' = ''): void {
    this.#result.textContent = text;
    this.#result.dataset.tone = tone;
  }
}
