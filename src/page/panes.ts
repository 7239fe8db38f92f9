import { element } from './element.ts';
import { readSetting, writeSetting } from './settings.ts';

export const paneNames = ['terminal', 'screen'] as const;
export type PaneName = (typeof paneNames)[number];

/** As in panes.css. */
const narrow = matchMedia('(max-width: 1099px)');

/** Terminal and screen: side by side where there is room, else one of them behind tabs. */
export class Panes {
  #chosen: PaneName = readSetting('tab') === 'screen' ? 'screen' : 'terminal';

  constructor() {
    for (const name of paneNames) {
      const tab = tabOf(name);
      tab.addEventListener('click', () => this.choose(name));
      tab.addEventListener('keydown', (event) => this.#moveByKey(event));
    }
    narrow.addEventListener('change', () => this.#show());
    this.#show();
  }

  choose(name: PaneName): void {
    this.#chosen = name;
    writeSetting('tab', name);
    this.#show();
  }

  #moveByKey(event: KeyboardEvent): void {
    const other = this.#chosen === 'terminal' ? 'screen' : 'terminal';
    const target: Record<string, PaneName> = {
      ArrowLeft: other,
      ArrowRight: other,
      Home: 'terminal',
      End: 'screen',
    };
    const name = target[event.key];
    if (!name) return;
    event.preventDefault();
    this.choose(name);
    tabOf(name).focus();
  }

  #show(): void {
    for (const name of paneNames) {
      const pane = paneOf(name);
      const tab = tabOf(name);
      const isChosen = name === this.#chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      pane.hidden = narrow.matches && !isChosen;
      if (narrow.matches) {
        pane.setAttribute('role', 'tabpanel');
        pane.setAttribute('aria-labelledby', tab.id);
      } else {
        pane.removeAttribute('role');
        pane.removeAttribute('aria-labelledby');
      }
    }
  }
}

const tabOf = (name: PaneName) => element(`tab-${name}`, HTMLButtonElement);
const paneOf = (name: PaneName) => element(`pane-${name}`, HTMLElement);
