/** Entry point of keeper.js: the worker that guests live in. Its URL never changes. */
import { HoldfastError } from '../src/errors.ts';
import { servePages } from '../src/keeper/serve-pages.ts';
import type { Supplies } from '../src/protocol/page-supply.ts';

/** Larger than the keeper, and most guests never need it. */
async function load(): Promise<Supplies> {
  const { href } = new URL('page-supply.js', location.href);
  try {
    return await import(/* @vite-ignore */ href);
  } catch (cause) {
    const message = `${href} could not be loaded. Reload the page when the site is reachable.`;
    throw new HoldfastError('part-unavailable', message, { cause });
  }
}

servePages({
  supplies: {
    prepare: async () => (await load()).prepare(),
    open: async (reference, ended) => (await load()).open(reference, ended),
  },
});
