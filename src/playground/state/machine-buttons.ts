import type { Operation } from '../session/operation.ts';
import type { Session } from '../session/session.ts';
import { ask } from '../ui/ask.tsx';
import { element } from '../ui/element.ts';

/** Actions of the buttons. The page reports failures. */
interface MachineActions {
  attempt(operation: Operation, work: () => Promise<unknown>): void;
  startFresh(): void;
  /** Describes the guest in storage that a new one would replace. */
  storedGuest(): string | undefined;
}

/** Pause, reset and start fresh. */
export class MachineButtons {
  readonly #session: Session;
  readonly #actions: MachineActions;
  readonly #pause = element('pause', HTMLButtonElement);
  readonly #reset = element('reset', HTMLButtonElement);
  readonly #fresh = element('fresh', HTMLButtonElement);

  constructor(session: Session, actions: MachineActions) {
    this.#session = session;
    this.#actions = actions;
    this.#pause.addEventListener('click', () => this.togglePause());
    this.#reset.addEventListener('click', () => void this.#askReset());
    this.#fresh.addEventListener('click', () => void this.askStartFresh());
    session.onChange(() => this.#show());
    this.#show();
  }

  togglePause(): void {
    if (this.#pause.disabled) return;
    if (this.#session.status?.runstate === 'paused')
      this.#actions.attempt('resume', () =>
        this.#session.run('resume', (machine) => machine.resume()),
      );
    else
      this.#actions.attempt('pause', () =>
        this.#session.run('pause', (machine) => machine.pause()),
      );
  }

  focus(): void {
    const buttons = [this.#pause, this.#reset, this.#fresh];
    buttons.find((button) => !button.disabled)?.focus();
  }

  /** @returns whether a new guest boots */
  async askStartFresh(): Promise<boolean> {
    const stored = this.#actions.storedGuest();
    const lost = [
      ...(this.#session.status === null
        ? []
        : ['The guest is discarded, with its memory and disks, for every page that shows it.']),
      ...(stored === undefined ? [] : [`The guest in storage, ${stored}, is deleted for good.`]),
    ];
    const yes =
      lost.length === 0 ||
      (await ask({
        title: 'Start fresh?',
        text: [...lost, 'A new one boots.'].join(' '),
        ok: 'Discard and boot',
      }));
    if (yes) this.#actions.startFresh();
    return yes;
  }

  async #askReset(): Promise<void> {
    const isPoweredDown = this.#session.status?.runstate === 'shutdown';
    const yes =
      isPoweredDown ||
      (await ask({
        title: 'Reset the guest?',
        text: 'Like the reset button of a PC: programs in the guest end, and what they have not saved is lost.',
        ok: 'Reset',
      }));
    if (yes)
      this.#actions.attempt('reset', () =>
        this.#session.run('reset', (machine) => machine.reset()),
      );
  }

  #show(): void {
    const { machine, status } = this.#session;
    const busy = this.#session.isWatching ? 'watch' : this.#session.busy;
    const isLive = ['running', 'postcopy-paused', 'paused'].includes(status?.runstate ?? '');
    const isPaused = status?.runstate === 'paused';
    this.#pause.disabled = busy !== null || !isLive;
    this.#pause.textContent = isPaused ? 'Resume' : 'Pause';
    this.#pause.title = isPaused ? 'Resume the guest (Ctrl+Alt+P)' : 'Pause the guest (Ctrl+Alt+P)';
    const isPoweredDown = status?.runstate === 'shutdown' && !status.destroyed;
    this.#reset.disabled = busy !== null || !(isLive || isPoweredDown);
    this.#reset.title = 'Press the reset button of the PC';
    this.#fresh.disabled = busy !== null || machine === null;
    this.#fresh.title = 'Discard the guest and boot a new one';
  }
}
