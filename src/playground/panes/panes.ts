import { element } from '../ui/element.ts';
import { readSetting, writeSetting } from '../ui/settings.ts';

export const paneNames = ['terminal', 'screen', 'monitor'] as const;
export type PaneName = (typeof paneNames)[number];

/** The same width as in panes.css. */
const narrow = matchMedia('(max-width: 1099px)');

/**
 * Panes of the page. With enough room, terminal and screen are side by side, and an open monitor is below
 * them. Otherwise the three are tabs.
 */
export class Panes {
  #chosen: PaneName = paneNames.find((name) => name === readSetting('tab')) ?? 'terminal';
  #isMonitorOpen = readSetting('monitor') === 'open';
  /** The guest uses the screen only. */
  #isOnlyScreen = false;
  /** The user has chosen the terminal of such a guest. */
  #isTerminalWanted = false;

  constructor() {
    for (const name of paneNames) {
      const tab = tabOf(name);
      tab.addEventListener('click', () => this.choose(name));
      tab.addEventListener('keydown', (event) => this.#moveByKey(event));
    }
    narrow.addEventListener('change', () => this.#show());
    this.#show();
  }

  get isMonitorOpen(): boolean {
    return narrow.matches ? this.#chosen === 'monitor' : this.#isMonitorOpen;
  }

  /** Gives the terminal's space to the screen as well, until the user chooses the terminal. */
  useOnlyScreen(only: boolean): void {
    this.#isOnlyScreen = only;
    this.#isTerminalWanted = false;
    // With tabs, this choice is not stored as a setting.
    if (only && this.#chosen === 'terminal') this.#chosen = 'screen';
    this.#show();
  }

  choose(name: PaneName): void {
    this.#chosen = name;
    if (name === 'terminal') this.#isTerminalWanted = true;
    writeSetting('tab', name);
    if (name === 'monitor') this.#setMonitorOpen(true);
    this.#show();
  }

  closeMonitor(): void {
    this.#setMonitorOpen(false);
    if (this.#chosen === 'monitor') this.choose('terminal');
    this.#show();
  }

  #setMonitorOpen(open: boolean): void {
    this.#isMonitorOpen = open;
    writeSetting('monitor', open ? 'open' : null);
  }

  #moveByKey(event: KeyboardEvent): void {
    const at = paneNames.indexOf(this.#chosen);
    const target: Record<string, number> = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      Home: 0,
      End: -1,
    };
    const to = target[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const name = paneNames.at(to % paneNames.length) ?? 'terminal';
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
      if (narrow.matches) {
        pane.hidden = !isChosen;
        pane.setAttribute('role', 'tabpanel');
        pane.setAttribute('aria-labelledby', tab.id);
      } else {
        pane.hidden = this.#isLeftOut(name);
        pane.removeAttribute('role');
        pane.removeAttribute('aria-labelledby');
      }
    }
    const toggle = element('monitor-toggle', HTMLButtonElement);
    toggle.setAttribute('aria-expanded', String(this.isMonitorOpen));
    const isAlone = !narrow.matches && this.#isLeftOut('terminal');
    element('panes', HTMLElement).toggleAttribute('data-only-screen', isAlone);
    element('show-terminal', HTMLButtonElement).hidden = !isAlone;
  }

  /** Applies with room for more than one pane. */
  #isLeftOut(name: PaneName): boolean {
    if (name === 'monitor') return !this.#isMonitorOpen;
    return name === 'terminal' && this.#isOnlyScreen && !this.#isTerminalWanted;
  }
}

const tabOf = (name: PaneName) => element(`tab-${name}`, HTMLButtonElement);
const paneOf = (name: PaneName) => element(`pane-${name}`, HTMLElement);
