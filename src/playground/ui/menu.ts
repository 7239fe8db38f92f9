import { button } from './element.ts';

/** A button that opens a list of things to do. Items may come, go and be disabled at any time. */
export class Menu {
  readonly #opener: HTMLButtonElement;
  readonly #list: HTMLElement;

  /** @param list has `popover` and `role="menu"` */
  constructor(opener: HTMLButtonElement, list: HTMLElement) {
    this.#opener = opener;
    this.#list = list;
    opener.setAttribute('aria-haspopup', 'menu');
    opener.popoverTargetElement = list;
    list.addEventListener('toggle', (event) => {
      const isOpen = (event as ToggleEvent).newState === 'open';
      opener.setAttribute('aria-expanded', String(isOpen));
      if (!isOpen) return;
      this.#place();
      this.#items[0]?.focus();
    });
    list.addEventListener('keydown', (event) => this.#keyDown(event));
    window.addEventListener('resize', () => this.close());
  }

  add(label: string, run: () => void): HTMLButtonElement {
    const item = button(label, () => {
      this.close();
      run();
    });
    item.setAttribute('role', 'menuitem');
    item.tabIndex = -1;
    this.#list.append(item);
    return item;
  }

  addSeparator(): void {
    const line = document.createElement('hr');
    this.#list.append(line);
  }

  close(): void {
    if (this.#list.matches(':popover-open')) this.#list.hidePopover();
  }

  get #items(): HTMLButtonElement[] {
    return [...this.#list.querySelectorAll('button')].filter(
      ({ disabled, hidden }) => !disabled && !hidden,
    );
  }

  #keyDown(event: KeyboardEvent): void {
    const items = this.#items;
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const targets: Record<string, number> = {
      ArrowDown: (at + 1) % items.length,
      ArrowUp: at <= 0 ? items.length - 1 : at - 1,
      Home: 0,
      End: items.length - 1,
    };
    if (event.key === 'Tab') this.close();
    const to = targets[event.key];
    if (to === undefined) return;
    event.preventDefault();
    items[to]?.focus();
  }

  /** Below its button, within the window. */
  #place(): void {
    const { left, bottom } = this.#opener.getBoundingClientRect();
    const most = document.documentElement.clientWidth - this.#list.offsetWidth - 8;
    this.#list.style.left = `${Math.max(8, Math.min(left, most))}px`;
    this.#list.style.top = `${bottom + 4}px`;
  }
}
