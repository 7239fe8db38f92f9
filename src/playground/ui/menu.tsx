import { render } from 'preact';

export interface MenuItem {
  label: string;
  run(): void;
  isDisabled?: boolean;
  title?: string;
}

export interface MenuOptions {
  opener: HTMLButtonElement;
  label: string;
  /** The present items. `false` is an item that is not available now. */
  items(): readonly (MenuItem | 'separator' | false)[];
}

/** A button that opens a list of things to do. */
export class Menu {
  readonly #options: MenuOptions;
  readonly #list = document.createElement('div');

  constructor(options: MenuOptions) {
    this.#options = options;
    const { opener } = options;
    const list = this.#list;
    list.className = 'menu';
    list.popover = 'auto';
    list.setAttribute('role', 'menu');
    list.setAttribute('aria-label', options.label);
    document.body.append(list);
    opener.setAttribute('aria-haspopup', 'menu');
    opener.popoverTargetElement = list;
    list.addEventListener('beforetoggle', ({ newState }) => {
      if (newState === 'open') this.#draw();
    });
    list.addEventListener('toggle', ({ newState }) => {
      const isOpen = newState === 'open';
      opener.setAttribute('aria-expanded', String(isOpen));
      if (!isOpen) return;
      this.#place();
      this.#buttons[0]?.focus();
    });
    list.addEventListener('keydown', (event) => this.#keyDown(event));
    window.addEventListener('resize', () => this.#close());
  }

  /** Call when items may have changed. */
  changed(): void {
    if (this.#isOpen) this.#draw();
  }

  get #isOpen(): boolean {
    return this.#list.matches(':popover-open');
  }

  #close(): void {
    if (this.#isOpen) this.#list.hidePopover();
  }

  #draw(): void {
    const run = (item: MenuItem) => {
      this.#close();
      item.run();
    };
    render(
      this.#options.items().map((item) =>
        item === 'separator' ? (
          <hr />
        ) : (
          item && (
            <button
              type="button"
              role="menuitem"
              tabIndex={-1}
              disabled={item.isDisabled ?? false}
              title={item.title ?? ''}
              onClick={() => run(item)}
            >
              {item.label}
            </button>
          )
        ),
      ),
      this.#list,
    );
  }

  get #buttons(): HTMLButtonElement[] {
    return [...this.#list.querySelectorAll('button')].filter(({ disabled }) => !disabled);
  }

  #keyDown(event: KeyboardEvent): void {
    const buttons = this.#buttons;
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const targets: Record<string, number> = {
      ArrowDown: (at + 1) % buttons.length,
      ArrowUp: at <= 0 ? buttons.length - 1 : at - 1,
      Home: 0,
      End: buttons.length - 1,
    };
    if (event.key === 'Tab') this.#close();
    const to = targets[event.key];
    if (to === undefined) return;
    event.preventDefault();
    buttons[to]?.focus();
  }

  /** Below the button, within the window. */
  #place(): void {
    const { left, bottom } = this.#options.opener.getBoundingClientRect();
    const most = document.documentElement.clientWidth - this.#list.offsetWidth - 8;
    this.#list.style.left = `${Math.max(8, Math.min(left, most))}px`;
    this.#list.style.top = `${bottom + 4}px`;
  }
}
