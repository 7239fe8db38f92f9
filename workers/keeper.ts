/** Entry point of keeper.js: the worker that guests live in. Its URL never changes. */
import { servePages } from '../src/keeper/serve-pages.ts';

servePages();
