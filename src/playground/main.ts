/** The page's entry: lets the keeper start first, see preloaded-keeper.ts. */
import '@xterm/xterm/css/xterm.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/panes.css';
import './styles/monitor.css';
import './styles/dialogs.css';
import './styles/new-machine.css';
import { preloadedKeeperReady } from './start/preloaded-keeper.ts';

// The page is shown even if its styles did not load. See base.css.
document.body.hidden = false;
await preloadedKeeperReady();
await import('./app.ts');
