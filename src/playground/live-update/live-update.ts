import { type RuntimeBuild, runtimes } from 'virtual:holdfast-build';
import type { Machine } from '../../client/types.ts';
import type { HoldfastError } from '../../errors.ts';
import type { Runstate } from '../../protocol/events.ts';
import type { Session } from '../session/session.ts';
import { create, element } from '../ui/element.ts';
import { formatPause } from '../ui/format.ts';
import { runtimeSource } from '../ui/runtime-source.ts';
import { onSetting, readSetting } from '../ui/settings.ts';
import { showOffer } from './update-bar.tsx';
import { newerRuntime, updateChoices } from './update-choices.ts';

type Failed = (error: HoldfastError, again: () => void) => void;

const updatable: readonly Runstate[] = ['running', 'postcopy-paused', 'paused', 'suspended'];

/** The live update button with its choice of emulators, and the bar that offers a newer one. */
export class LiveUpdate {
  readonly #session: Session;
  readonly #failed: Failed;
  readonly #button = element('update', HTMLButtonElement);
  readonly #target = element('update-target', HTMLSelectElement);
  readonly #result = element('update-result', HTMLElement);
  readonly #bar = element('update-bar', HTMLElement);
  /** The choices on offer. The select is drawn again only if they change. */
  #offered = '';
  /** The newer runtime that was declined, until the page is left. */
  #dismissed: string | null = null;

  /** @param failed called for each update that failed */
  constructor(session: Session, failed: Failed) {
    this.#session = session;
    this.#failed = failed;
    session.onChange(() => this.#show());
    session.onMachine((machine) => this.#follow(machine));
    this.#button.addEventListener('click', () => this.run());
    onSetting('auto-update', () => this.#showBar());
    this.#show();
  }

  /** Updates to the chosen emulator. */
  run(): void {
    const chosen = runtimes.find(({ id }) => id === this.#target.value);
    if (chosen && !this.#button.disabled) void this.#update(chosen);
  }

  /** After the attach: starts an update if the user wants that and a newer emulator exists. */
  updateByItself(): void {
    const newer = this.#newer();
    if (newer && readSetting('auto-update') === 'on' && !this.#button.disabled)
      void this.#update(newer);
  }

  async #update(runtime: RuntimeBuild): Promise<void> {
    this.#showMessage(`Preparing ${runtime.v86Version}… the guest keeps running meanwhile`);
    try {
      const { timings } = await this.#session.run('live-update', (machine) =>
        machine.restart({ runtime: runtimeSource(runtime) }),
      );
      this.#showMessage(`Guest paused ${formatPause(timings.pauseMs)}`, 'good');
    } catch (error) {
      this.#showMessage('Not updated', 'bad');
      this.#failed(error as HoldfastError, () => void this.#update(runtime));
    }
  }

  #follow(machine: Machine): void {
    machine.on('restarted', ({ v86Version, timings }) => {
      if (this.#session.busy === 'live-update') return;
      this.#showMessage(
        `Updated to ${v86Version} elsewhere, guest paused ${formatPause(timings.pauseMs)}`,
        'good',
      );
    });
  }

  #newer(): RuntimeBuild | null {
    const { status } = this.#session;
    return status ? newerRuntime(runtimes, status) : null;
  }

  #show(): void {
    const { status, busy, isWatching } = this.#session;
    const isFree = busy === null && !isWatching;
    const canUpdate = isFree && status !== null && updatable.includes(status.runstate);
    this.#button.disabled = !canUpdate;
    this.#button.title = canUpdate
      ? 'Hand the guest over to another emulator while it runs (Ctrl+Alt+U)'
      : 'Needs a guest that runs, is paused or suspended';
    this.#button.setAttribute('aria-busy', String(busy === 'live-update'));
    // The message was about another guest.
    if (busy === 'start') this.#showMessage('');
    this.#showChoices();
    this.#target.disabled = !canUpdate;
    this.#showBar();
  }

  #showChoices(): void {
    const { status } = this.#session;
    const offered = status?.runtimeId ?? '';
    if (this.#offered === offered) return;
    this.#offered = offered;
    const choices = status ? updateChoices(runtimes, status) : [];
    this.#target.replaceChildren(
      ...choices.map(({ runtime, label }) => {
        const option = create('option', { text: label });
        option.value = runtime.id;
        return option;
      }),
    );
    this.#target.selectedIndex = 0;
    this.#target.hidden = choices.length < 2;
    const only = choices.length === 1 ? ` ${choices[0]?.label}` : '';
    this.#button.textContent = `Live update${only}`;
  }

  #showBar(): void {
    const newer = this.#newer();
    const { status, isWatching } = this.#session;
    if (!newer || !status || newer.id === this.#dismissed || isWatching) {
      showOffer(this.#bar, null);
      return;
    }
    const sameVersion = newer.v86Version === status.v86Version;
    const [from, to] = sameVersion
      ? [status.runtimeId, newer.id]
      : [status.v86Version, newer.v86Version];
    showOffer(this.#bar, {
      name: 'Newer emulator',
      label: 'Live update',
      text: `A newer emulator is available (${from} → ${to}).`,
      isDisabled: this.#button.disabled,
      run: () => void this.#update(newer),
      dismiss: () => {
        this.#dismissed = newer.id;
        this.#show();
      },
    });
  }

  #showMessage(text: string, tone: 'good' | 'bad' | '' = ''): void {
    this.#result.textContent = text;
    this.#result.dataset.tone = tone;
  }
}
