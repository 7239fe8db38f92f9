/** What to do next about a guest that stands still. */

import type { Session } from '../session.ts';
import { button, element } from '../ui/element.ts';
import type { MachineMenu } from './machine-menu.ts';

interface Advice {
  text: string;
  buttons: readonly (readonly [label: string, run: () => void])[];
}

export class RunstateBar {
  readonly #session: Session;
  readonly #menu: MachineMenu;
  readonly #bar = element('runstate-bar', HTMLElement);
  readonly #text = element('runstate-bar-text', HTMLElement);
  readonly #buttons = element('runstate-bar-buttons', HTMLElement);
  #shown = '';

  constructor(session: Session, menu: MachineMenu) {
    this.#session = session;
    this.#menu = menu;
    session.onChange(() => this.#show());
    this.#show();
  }

  #show(): void {
    const advice = this.#advice();
    this.#bar.hidden = advice === null;
    const labels = advice?.buttons.map(([label]) => label) ?? [];
    const shown = [advice?.text, ...labels].join('\n');
    // Buttons that stay keep the focus.
    if (advice && shown !== this.#shown) {
      this.#text.textContent = advice.text;
      this.#buttons.replaceChildren(...advice.buttons.map(([label, run]) => button(label, run)));
    }
    this.#shown = shown;
    for (const each of this.#buttons.querySelectorAll('button'))
      each.disabled = this.#session.busy !== null;
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
        text: `The guest stands still and waits for its state (inmigrate). v86 ${status.v86Version} goes on with it once it is loaded.`,
        buttons: [...loadSaved, load, ['Go back', () => this.#menu.goBack()]],
      };
    if (status?.runstate === 'suspended')
      return {
        text: 'The guest is suspended: it runs nothing. A key, a click or a touch on the terminal or the screen wakes it, and so does traffic for it.',
        buttons: [['Wake up', () => this.#menu.toggleSuspended()]],
      };
    if (this.#session.isSavedAway)
      return {
        text: 'The guest is saved and shut down. Load its state to go on, now or after the browser was closed.',
        buttons: [...loadSaved, load],
      };
    return null;
  }
}
