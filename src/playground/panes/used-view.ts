/**
 * Finds out whether the guest uses terminal or screen. A guest with only a screen gets the space of both.
 */
import type { Machine } from '../../client/types.ts';
import type { MachineEvent, MachineStatus } from '../../protocol/events.ts';
import type { Session } from '../session/session.ts';

type TextScreen = Extract<MachineEvent, { type: 'screen-text' }>['screen'];

/** Many guests print to the serial console only after some time on the screen. */
const silentMs = 5000;
const blanks = new Set([0, 0x20, 0xff]);

interface UsedViewOptions {
  session: Session;
  /** Whether the serial console had any output. */
  hasSpoken(): boolean;
  changed(onlyScreen: boolean): void;
}

export class UsedView {
  readonly #options: UsedViewOptions;
  #screen: 'blank' | 'text' | 'graphics' = 'blank';
  #isOnlyScreen = false;

  constructor(options: UsedViewOptions) {
    this.#options = options;
    options.session.onMachine((machine) => this.#follow(machine));
    options.session.onChange(() => this.#update());
  }

  #follow(machine: Machine): void {
    this.#screen = 'blank';
    machine.on('screen-text', ({ screen }) => {
      this.#screen = isBlank(screen) ? 'blank' : 'text';
    });
    machine.on('screen-cells', () => {
      if (this.#screen === 'blank') this.#screen = 'text';
    });
    machine.on('screen-graphics', () => {
      this.#screen = 'graphics';
    });
    machine.on('console', () => this.#update());
  }

  #update(): void {
    const { session, hasSpoken, changed } = this.#options;
    const { status } = session;
    // Between two machines the page does not change.
    if (!status || status.destroyed || session.busy !== null) return;
    const only = !hasSpoken() && this.#isUsed(status);
    if (only === this.#isOnlyScreen) return;
    this.#isOnlyScreen = only;
    changed(only);
  }

  #isUsed({ config, startSource, bootedAtMs }: MachineStatus): boolean {
    if (this.#screen === 'blank') return false;
    // Its kernel will print to the serial console.
    if (/\bconsole=(?:ttyS|hvc)/.test(config.cmdline ?? '')) return false;
    if (this.#screen === 'graphics') return true;
    // A guest that was resumed has already printed, if it uses the serial console.
    const isBack = startSource?.kind === 'resumed' || startSource?.kind === 'opened';
    return isBack || Date.now() - bootedAtMs > silentMs;
  }
}

function isBlank({ cells }: TextScreen): boolean {
  for (let at = 0; at < cells.length; at += 3)
    if (!blanks.has((cells[at] ?? 0) & 0xff)) return false;
  return true;
}
