/** The bar with the ways to resume a guest. */
import { render } from 'preact';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import type { MachineMenu } from './machine-menu.ts';

interface Advice {
  text: string;
  buttons: readonly (readonly [label: string, run: () => void])[];
}

export class RunstateBar {
  readonly #session: Session;
  readonly #menu: MachineMenu;
  readonly #root = element('runstate-bar', HTMLElement);

  constructor(session: Session, menu: MachineMenu) {
    this.#session = session;
    this.#menu = menu;
    session.onChange(() => this.#show());
    this.#show();
  }

  #show(): void {
    const advice = this.#advice();
    const isBusy = this.#session.busy !== null;
    render(
      advice && (
        <section class="bar waiting" aria-label="What to do next">
          <span class="bar-text" role="status">
            {advice.text}
          </span>
          <span class="bar-buttons">
            {advice.buttons.map(([label, run]) => (
              <button key={label} type="button" disabled={isBusy} onClick={run}>
                {label}
              </button>
            ))}
          </span>
        </section>
      ),
      this.#root,
    );
  }

  #advice(): Advice | null {
    const { status, isWatching } = this.#session;
    if (isWatching) return null;
    const load = ['Load state…', () => void this.#menu.askLoad()] as const;
    const loadSaved = this.#menu.hasSaved
      ? ([['Load it now', () => this.#menu.loadSaved()]] as const)
      : [];
    if (status?.runstate === 'inmigrate')
      return {
        text: `The guest is stopped and waits for its state (inmigrate). Load the state to resume it with v86 ${status.v86Version}.`,
        buttons: [...loadSaved, load, ['Go back', () => this.#menu.goBack()]],
      };
    if (status?.runstate === 'suspended')
      return {
        text: 'The guest is suspended and runs nothing. A key, click or touch on the terminal or the screen wakes it; so does network traffic for it.',
        buttons: [['Wake up', () => this.#menu.toggleSuspended()]],
      };
    if (this.#session.isSavedAway)
      return {
        text: 'The guest is saved and shut down. Load its state to resume it, now or in a later visit.',
        buttons: [...loadSaved, load],
      };
    return null;
  }
}
