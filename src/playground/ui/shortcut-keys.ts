import { LeaveChord, type Shortcut, shortcutOf } from './shortcuts.ts';

/** Listens before the terminal and the screen do, so that the page's own keys always work. */
export function setUpShortcuts(run: (shortcut: Shortcut) => void): void {
  const chord = new LeaveChord();
  window.addEventListener(
    'keydown',
    (event) => {
      chord.keyDown(event.code);
      const shortcut = shortcutOf(event);
      if (!shortcut) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      run(shortcut);
    },
    { capture: true },
  );
  window.addEventListener(
    'keyup',
    (event) => {
      if (chord.keyUp(event.code)) run('leave');
    },
    { capture: true },
  );
  window.addEventListener('blur', () => chord.clear());
}
