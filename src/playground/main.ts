/** The page's entry: lets the keeper start first, see preloaded-keeper.ts. */
import '@xterm/xterm/css/xterm.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/panes.css';
import './styles/monitor.css';
import './styles/dialogs.css';
import './styles/new-machine.css';
import { preloadedKeeperReady } from './start/preloaded-keeper.ts';

// Also where the styles did not come. See base.css.
document.body.hidden = false;
await preloadedKeeperReady();
await import('./app.ts');
