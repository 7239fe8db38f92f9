/**
 * Types into the playground's guest and reads its console, as a visitor does. The script is parsed
 * before the page's own scripts, while a benchmark measures their loading. So it has nothing else in it.
 */
import { connected, serialOutput } from './playground-console.ts';
import type { Visitor } from './visitor.ts';

const visitor: Visitor = {
  console: serialOutput,
  type: async (text) => (await connected).consoleInput('serial0', text),
  end: async () => (await connected).destroy(),
};

declare global {
  interface Window {
    visitor: Visitor;
  }
}

window.visitor = visitor;
