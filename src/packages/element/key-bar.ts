/** Keys that touch screens lack, or that browsers keep for themselves. */
const keys: readonly (readonly [label: string, name: string])[] = [
  ['Esc', 'esc'],
  ['Tab', 'tab'],
  ['^C', 'ctrl-c'],
  ['←', 'left'],
  ['↓', 'down'],
  ['↑', 'up'],
  ['→', 'right'],
  ['Ctrl+Alt+Del', 'ctrl-alt-delete'],
];

interface KeyBarActions {
  /** @param keys as in `Machine.sendKey` */
  sendKey(keys: string): void;
  /** Opens the on-screen keyboard of a phone. */
  focusKeyboard(): void;
}

export class KeyBar {
  constructor(bar: HTMLElement, actions: KeyBarActions) {
    const keyboard = button('⌨', actions.focusKeyboard);
    keyboard.setAttribute('aria-label', 'Keyboard');
    keyboard.className = 'touch';
    bar.append(
      keyboard,
      ...keys.map(([label, name]) => {
        const key = button(label, () => actions.sendKey(name));
        key.setAttribute('aria-label', name);
        return key;
      }),
    );
    // The focused element keeps the focus, and the phone's keyboard stays open.
    bar.addEventListener('pointerdown', (event) => event.preventDefault());
  }
}

function button(label: string, run: () => void): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = label;
  made.addEventListener('click', run);
  return made;
}
