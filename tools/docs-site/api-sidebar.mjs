/** The sidebar of the API reference, from the pages that TypeDoc wrote. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Entry points by their folder in the reference. */
const entries = {
  browser: 'holdfast',
  'browser/element': 'holdfast/element',
  node: 'holdfast/node',
  'node/vite': 'holdfast/vite',
  playwright: 'holdfast/playwright',
};

const kinds = {
  functions: 'Functions',
  classes: 'Classes',
  interfaces: 'Interfaces',
  'type-aliases': 'Types',
  variables: 'Variables',
};

/** @param {string} pages */
export function apiSidebar(pages) {
  return Object.entries(entries).map(([folder, text]) => ({
    text,
    link: `/api/${folder}/`,
    collapsed: true,
    items: Object.entries(kinds).flatMap(([kind, title]) => {
      const names = namesIn(join(pages, 'api', folder, kind));
      const items = names.map((name) => ({ text: name, link: `/api/${folder}/${kind}/${name}` }));
      return items.length > 0 ? [{ text: title, items }] : [];
    }),
  }));
}

/** @param {string} folder */
function namesIn(folder) {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => name.slice(0, -'.md'.length))
      .sort();
  } catch {
    // This entry point has none of that kind.
    return [];
  }
}
