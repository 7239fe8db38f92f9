/**
 * `npm run prose [-- PATH...] [-- --update]`: checks the English of README, docs/, texts and TSDoc by the
 * rules of checks/prose-rules.mjs. Pages are held to all of them. What is older than the rules is counted by
 * folder in checks/prose-ratchet.json, whose numbers only go down: `--update` lowers them.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureChecks, root } from './setup.mjs';

/** @typedef {{ rule: 'long' | 'word' | 'headless', line: number, text: string, advice: string }} Stumble */
/** @typedef {Stumble & { path: string }} Finding */

const ratchetPath = join(root, 'tools/checks/prose-ratchet.json');

/**
 * Where a path's findings are counted.
 * @param {string} path
 * @param {'page' | 'TSDoc' | 'texts'} kind
 */
export function folderOf(path, kind) {
  if (kind === 'page') return path;
  const [top = '', ...rest] = path.split('/');
  const folder = rest.length > 1 ? `${top}/${rest[0]}` : top;
  return `${folder}${rest[0] === 'packages' && rest.length > 2 ? `/${rest[1]}` : ''} ${kind}`;
}

/**
 * @param {Record<string, number>} allowed
 * @param {Record<string, number>} found
 * @returns {{ over: string[], under: string[] }} places with more than allowed, and with less
 */
export function compare(allowed, found) {
  const places = [...new Set([...Object.keys(allowed), ...Object.keys(found)])].sort();
  const of = (/** @type {Record<string, number>} */ counts, /** @type {string} */ place) =>
    counts[place] ?? 0;
  return {
    over: places.filter((place) => of(found, place) > of(allowed, place)),
    under: places.filter((place) => of(found, place) < of(allowed, place)),
  };
}

/**
 * The numbers may go down, never up.
 * @param {Record<string, number>} allowed
 * @param {Record<string, number>} found
 */
export function lowered(allowed, found) {
  const { under } = compare(allowed, found);
  const next = { ...allowed };
  for (const place of under) next[place] = found[place] ?? 0;
  return Object.fromEntries(Object.entries(next).filter(([, count]) => count > 0));
}

/** Needs the packages of tools/checks, see {@link ensureChecks}. */
export const rules = () => import(pathToFileURL(join(root, 'tools/checks/prose.mjs')).href);

/** @returns {Promise<Map<string, Finding[]>>} by place */
async function findAll() {
  const { checkHtml, checkMarkdown, checkSource } = await rules();
  const list = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const paths = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\n');
  /** @type {Map<string, Finding[]>} */
  const places = new Map();
  for (const path of paths) {
    if (!isProse(path)) continue;
    let text = '';
    try {
      text = readFileSync(join(root, path), 'utf8');
    } catch {
      // Removed, and not committed yet.
      continue;
    }
    if (path.endsWith('.md')) add(path, 'page', checkMarkdown(text));
    else if (path.endsWith('.html')) add(path, 'page', checkHtml(text));
    else {
      const { comments, texts } = checkSource(text, path);
      add(path, 'TSDoc', comments);
      add(path, 'texts', texts);
    }
  }
  return places;

  /**
   * @param {string} path
   * @param {'page' | 'TSDoc' | 'texts'} kind
   * @param {Stumble[]} findings
   */
  function add(path, kind, findings) {
    const place = folderOf(path, kind);
    const list = places.get(place) ?? [];
    for (const finding of findings) list.push({ path, ...finding });
    places.set(place, list);
  }
}

/** @param {string} path */
function isProse(path) {
  if (/^(README|CONTRIBUTING|SECURITY|CODE_OF_CONDUCT)\.md$/.test(path)) return true;
  if (/^docs\/(?!api\/).*\.md$/.test(path) || /^(index|machine)\.html$/.test(path)) return true;
  return /^(src|workers)\/.*\.tsx?$/.test(path) && !/\.test\.tsx?$|(^|\/)testing\//.test(path);
}

async function main() {
  ensureChecks();
  const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const places = await findAll();
  const found = Object.fromEntries([...places].map(([place, list]) => [place, list.length]));
  /** @type {Record<string, number>} */
  const allowed = JSON.parse(readFileSync(ratchetPath, 'utf8'));
  if (process.argv.includes('--update')) {
    writeFileSync(ratchetPath, `${JSON.stringify(lowered(allowed, found), null, 2)}\n`);
  }
  const { over, under } = compare(allowed, found);
  const shown = asked.length > 0 ? [...places.values()].flat() : over.flatMap((p) => places.get(p));
  for (const finding of shown) {
    if (!finding || (asked.length > 0 && !asked.some((path) => finding.path.startsWith(path))))
      continue;
    const { path, line, rule, advice, text } = finding;
    console.log(`${path}:${line}: ${rule}: ${advice}\n    ${text}`);
  }
  for (const place of over)
    console.error(`${place}: ${found[place]} findings, ${allowed[place] ?? 0} allowed`);
  if (under.length > 0)
    console.log(`Fewer than allowed: ${under.join(', ')}. Lower them: npm run prose -- --update`);
  const total = Object.values(found).reduce((sum, count) => sum + count, 0);
  console.log(`${total} findings of older prose are left`);
  process.exitCode = over.length > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) await main();
