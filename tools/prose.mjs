/**
 * `npm run prose [-- PATH...]`: checks the English of pages, comments, texts and names of tests by the
 * rules of checks/prose-rules.mjs.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureChecks, root } from './setup.mjs';

/** @typedef {{ rule: 'long' | 'word' | 'headless', line: number, text: string, advice: string }} Finding */

/** Needs the packages of tools/checks, see {@link ensureChecks}. */
export const rules = () => import(pathToFileURL(join(root, 'tools/checks/prose.mjs')).href);

/**
 * The findings of a file. Other files than {@link isProse} names have none.
 * @param {string} path
 * @param {string} text
 * @returns {Promise<Finding[]>}
 */
export async function findingsOf(path, text) {
  const { checkHtml, checkMarkdown, checkSource, checkTitles } = await rules();
  if (path.endsWith('.md')) return checkMarkdown(text);
  if (path.endsWith('.html')) return checkHtml(text);
  const { comments, texts } = checkSource(text, path);
  const isTest = /\.(test|spec)\.tsx?$/.test(path) || !isShipped(path);
  // Contracts of several implementations are tests in files without such a name.
  return [...comments, ...(isTest ? checkTitles(text, path) : texts)];
}

/** @param {string} path */
export function isProse(path) {
  if (/^((server\/)?README|CONTRIBUTING|SECURITY|CODE_OF_CONDUCT)\.md$/.test(path)) return true;
  if (/^docs\/(?!api\/).*\.md$/.test(path) || /^(index|machine)\.html$/.test(path)) return true;
  return /^((src|workers|e2e|tools)\/.*|[^/]*)\.(tsx?|mjs)$/.test(path);
}

/**
 * Whether the file's texts reach users. Those of tests and tools do not.
 * @param {string} path
 */
const isShipped = (path) => /^(src|workers)\/(?!(.*\/)?testing\/)/.test(path);

/** @param {string[]} asked paths, or beginnings of them; all if empty */
async function main(asked) {
  ensureChecks();
  const list = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const paths = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\n');
  let count = 0;
  for (const path of new Set(paths)) {
    if (!isProse(path) || (asked.length > 0 && !asked.some((start) => path.startsWith(start))))
      continue;
    let text = '';
    try {
      text = readFileSync(join(root, path), 'utf8');
    } catch {
      // Removed, and not committed yet.
      continue;
    }
    for (const { line, rule, advice, text: found } of await findingsOf(path, text)) {
      console.error(`${path}:${line}: ${rule}: ${advice}\n    ${found}`);
      count++;
    }
  }
  console.log(`${count} findings`);
  process.exitCode = count > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
