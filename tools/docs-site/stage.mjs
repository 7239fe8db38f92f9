/** Copies the Markdown of the project into one folder, with links that hold on the site. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { isExternal, linksOf } from '../markdown-links.mjs';

/** Pages of the site that are not in docs/, by their file. */
const otherPages = {
  'SECURITY.md': 'security.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'THIRD-PARTY.md': 'third-party.md',
  'server/README.md': 'state-server-installation.md',
};

/** Pages that TypeDoc makes of the entry points, by source file. */
const apiPages = {
  'src/packages/browser/index.ts': 'api/browser/index.md',
  'src/packages/browser/element.ts': 'api/browser/element/index.md',
  'src/packages/node/index.ts': 'api/node/index.md',
  'src/packages/node/vite.ts': 'api/node/vite/index.md',
  'src/packages/playwright/index.ts': 'api/playwright/index.md',
};

/**
 * Pages of the site by file of the project.
 * @param {string} root of the project
 * @returns {Map<string, string>}
 */
export function placesOf(root) {
  const places = new Map();
  for (const file of filesOfDocs(root)) if (file.endsWith('.md')) places.set(`docs/${file}`, file);
  for (const [file, page] of Object.entries(otherPages))
    if (existsSync(join(root, file))) places.set(file, page);
  return places;
}

/**
 * @param {string} root
 * @returns {string[]} relative to docs/
 */
function filesOfDocs(root) {
  const paths = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return paths.map((path) => path.split(sep).join('/'));
}

/**
 * @param {string} root of the project
 * @param {string} pages the folder to fill
 * @param {string | undefined} sourceUrl URL of the project's files, as `https://…/blob/main/`. Without
 * it, links to files that are no pages become text.
 */
export function stage(root, pages, sourceUrl) {
  const places = placesOf(root);
  for (const file of filesOfDocs(root))
    if (/\.\w+$/.test(file) && !file.endsWith('.md'))
      copy(join(root, 'docs', file), join(pages, file));

  const targets = new Map([...places, ...Object.entries(apiPages)]);
  for (const [file, page] of places) {
    const text = readFileSync(join(root, file), 'utf8');
    const to = join(pages, page);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, withSiteLinks(text, file, page, targets, sourceUrl));
  }
}

/**
 * @param {string} text
 * @param {string} file of the project that it is from
 * @param {string} page of the site that it is on
 * @param {Map<string, string>} targets
 * @param {string | undefined} sourceUrl
 */
export function withSiteLinks(text, file, page, targets, sourceUrl) {
  let out = text;
  for (const { target, start } of linksOf(text).sort((a, b) => b.start - a.start)) {
    if (isExternal(target) || target.startsWith('#')) continue;
    const [path = '', anchor] = target.split('#');
    const named = posix.normalize(posix.join(posix.dirname(file), path));
    const place = targets.get(named) ?? targets.get(posix.join(named, 'index.md'));
    const before = out.slice(0, start);
    const after = out.slice(start + target.length);
    if (place !== undefined) {
      const link = posix.relative(posix.dirname(page), place);
      const relativeLink = link.startsWith('.') ? link : `./${link}`;
      out = before + relativeLink + (anchor === undefined ? '' : `#${anchor}`) + after;
    } else if (/\.(gif|png|svg|jpe?g)$/.test(named)) {
      out = `${before}./${posix.relative(posix.dirname(posix.join('docs', page)), named)}${after}`;
    } else if (sourceUrl !== undefined) {
      out = before + sourceUrl + named + after;
    } else {
      // `[text](target)` becomes `text`.
      const open = before.lastIndexOf('[');
      out = before.slice(0, open) + before.slice(open + 1, -2) + after.slice(1);
    }
  }
  return out;
}

/**
 * @param {string} from
 * @param {string} to
 */
function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}

/** @param {string} root */
export function sourceUrlOf(root) {
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const url = typeof repository === 'string' ? repository : repository?.url;
  const address = url?.replace(/^git\+/, '').replace(/\.git$/, '');
  return address?.startsWith('https:') ? `${address}/blob/main/` : undefined;
}
