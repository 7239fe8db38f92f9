/** Runs the shortcuts of the page. */

import { toggleHelp } from './help/help-dialog.tsx';
import type { LiveUpdate } from './live-update/live-update.ts';
import type { PaneViews } from './panes/pane-views.ts';
import type { MachineButtons } from './state/machine-buttons.ts';
import type { Shortcut } from './ui/shortcuts.ts';

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
