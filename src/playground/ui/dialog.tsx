/** Dialogs: made when they are opened, removed when they close. */
import { type ComponentChildren, render } from 'preact';

export interface DialogParts {
  title: string;
  /** A sentence for a screen reader, read out with the title. */
  text?: string | undefined;
  content?: () => ComponentChildren;
  /** Its last row. A button's `value` is what {@link OpenDialog.closed} resolves with. */
  buttons: () => ComponentChildren;
  /** Handles the form in place of closing the dialog. */
  onSubmit?: () => void;
  isWide?: boolean;
  /** Files can be dropped on it, as on the page. */
  takesFiles?: boolean;
  /** Begins at the title: the first control is far down, and would scroll the top away. */
  startsAtTitle?: boolean;
}

let count = 0;

export class OpenDialog {
  readonly #element = document.createElement('dialog');
  readonly #parts: DialogParts;
  readonly #id = `dialog-${++count}`;
  /** Resolves with the value of the button; `cancel` if the dialog was closed without one. */
  readonly closed: Promise<string>;

  constructor(parts: DialogParts) {
    this.#parts = parts;
    const dialog = this.#element;
    dialog.setAttribute('aria-labelledby', `${this.#id}-title`);
    if (parts.text !== undefined) dialog.setAttribute('aria-describedby', `${this.#id}-text`);
    if (parts.isWide) dialog.className = 'wide';
    dialog.toggleAttribute('data-takes-files', parts.takesFiles);
    dialog.returnValue = 'cancel';
    document.body.append(dialog);
    this.draw();
    this.closed = new Promise((resolve) => {
      dialog.addEventListener(
        'close',
        () => {
          render(null, dialog);
          dialog.remove();
          resolve(dialog.returnValue);
        },
        { once: true },
      );
    });
    dialog.showModal();
    if (parts.startsAtTitle) dialog.querySelector('h2')?.focus();
  }

  /** Draws the present parts while the dialog is open. Elements that stay keep the focus. */
  draw(): void {
    if (!this.#element.isConnected) return;
    const { title, text, content, buttons, onSubmit, startsAtTitle } = this.#parts;
    const submit = (event: Event) => {
      event.preventDefault();
      onSubmit?.();
    };
    render(
      <form method="dialog" noValidate {...(onSubmit && { onSubmit: submit })}>
        <h2 id={`${this.#id}-title`} tabIndex={startsAtTitle ? -1 : undefined}>
          {title}
        </h2>
        {text !== undefined && <p id={`${this.#id}-text`}>{text}</p>}
        {content?.()}
        <div class="dialog-buttons">{buttons()}</div>
      </form>,
      this.#element,
    );
  }

  get isOpen(): boolean {
    return this.#element.open;
  }

  /** The first element in it that matches. */
  find(selector: string): HTMLElement | null {
    return this.#element.querySelector(selector);
  }

  close(): void {
    this.#element.close();
  }
}
