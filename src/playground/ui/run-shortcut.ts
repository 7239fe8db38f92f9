/** What the keys of the page do. */

import type { LiveUpdate } from '../live-update/live-update.ts';
import type { MachineButtons } from '../state/machine-buttons.ts';
import { toggleHelp } from './dialogs.ts';
import type { PaneViews } from './pane-views.ts';
import type { Shortcut } from './shortcuts.ts';

interface Targets {
  views: PaneViews;
  buttons: MachineButtons;
  update: LiveUpdate;
}

export function runShortcut(shortcut: Shortcut, { views, buttons, update }: Targets): void {
  switch (shortcut) {
    case 'leave':
      views.leave();
      break;
    case 'terminal':
    case 'screen':
      views.goTo(shortcut);
      break;
    case 'monitor':
      views.toggleMonitor();
      break;
    case 'buttons':
      buttons.focus();
      break;
    case 'pause':
      buttons.togglePause();
      break;
    case 'update':
      update.run();
      break;
    case 'full-screen':
      views.toggleFullScreen();
      break;
    case 'help':
      toggleHelp();
      break;
  }
}
