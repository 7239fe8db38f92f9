/**
 * Separates the user's input in a terminal from the terminal's own answers to the guest's queries.
 *
 * A scrollback that is shown again contains old queries, and every page receives the same query.
 * Only one page may answer, and only once; other answers would end up on the guest's command line.
 */
import { keyUnderInputMethod } from './input-method.ts';

interface Disposable {
  dispose(): void;
}

/** Part of xterm.js that is used here. */
interface InputTerminal {
  readonly textarea: HTMLTextAreaElement | undefined;
  onData(listener: (data: string) => void): Disposable;
  onBinary(listener: (data: string) => void): Disposable;
  attachCustomKeyEventHandler(handler: (event: KeyboardEvent) => boolean): void;
}

/** Not in the API of xterm.js: fires right before the data of a key, a paste or the mouse. */
interface WithUserInput {
  _core: { coreService: { onUserInput(listener: () => void): Disposable } };
}

interface TerminalInputOptions {
  /** Sends data to the guest's serial line. */
  send(data: string | Uint8Array): void;
  /**
   * Whether the terminal is processing output that was shown before, whose queries have been
   * answered.
   */
  isShownAgain(): boolean;
  /** Text that a user typed, in the form in which it is sent. */
  typed?(data: string): string;
}

/** Sends the input in `terminal`, and its answers to the guest's queries. */
export function followTerminal(
  terminal: InputTerminal,
  { send, isShownAgain, typed = (data) => data }: TerminalInputOptions,
): void {
  let isUsers = false;
  (terminal as unknown as WithUserInput)._core.coreService.onUserInput(() => {
    isUsers = true;
  });
  terminal.onData((data) => {
    const wasUsers = isUsers;
    isUsers = false;
    if (wasUsers) send(typed(data));
    else if (!isShownAgain() && document.hasFocus()) send(data);
  });
  terminal.onBinary((data) => send(Uint8Array.from(data, (c) => c.charCodeAt(0))));
  sendKeysUnderInputMethod(terminal);
}

function sendKeysUnderInputMethod(terminal: InputTerminal): void {
  let composedAtMs = Number.NEGATIVE_INFINITY;
  terminal.textarea?.addEventListener('compositionend', ({ timeStamp }) => {
    composedAtMs = timeStamp;
  });
  terminal.attachCustomKeyEventHandler((event) => {
    const key = keyUnderInputMethod(event, composedAtMs);
    if (!key) return true;
    event.preventDefault();
    const { code, ctrlKey, shiftKey } = event;
    const init = { ...key, code, ctrlKey, shiftKey, bubbles: true, cancelable: true };
    event.target?.dispatchEvent(new KeyboardEvent('keydown', init));
    return false;
  });
}
