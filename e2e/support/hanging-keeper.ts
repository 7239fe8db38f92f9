/** A keeper that a test can put into an endless loop. Bundled in place of keeper.js. */
import { servePages } from '../../src/keeper/serve-pages.ts';

new BroadcastChannel('holdfast-hang').onmessage = () => {
  for (;;);
};
servePages();
