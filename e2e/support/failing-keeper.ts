/** A keeper that takes no guest: a step of each migration to it fails. Bundled in place of keeper.js. */
import { servePages } from '../../src/keeper/serve-pages.ts';

servePages({
  around: (operation, step, when) => {
    if (operation === 'migrateIncoming' && step === 'ready' && when === 'before')
      throw new Error('This keeper takes no guest.');
  },
});
