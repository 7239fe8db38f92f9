/**
 * Checks the links between the project's Markdown files: each file, folder and anchor that one names must
 * exist. Links to other sites are not fetched.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { anchorsOf, isExternal, linksOf } from './markdown-links.mjs';
import { root } from './setup.mjs';

/** Made by builds, or of others. */
const isSkipped = /^(node_modules|dist.*|test-results|\..*)$/;
const stagedPages = join('docs-site', 'pages');

/**
 * @param {string} folder
 * @returns {string[]} its Markdown files, also those of its folders
 */
export function markdownFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (isSkipped.test(entry.name)) return [];
    const path = join(folder, entry.name);
    if (path.endsWith(stagedPages)) return [];
    if (entry.isDirectory()) return markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/**
 * @param {string} folder of the project
 * @param {string[]} [files]
 * @returns {string[]} a sentence for each link that leads nowhere
 */
export function deadLinks(folder, files = markdownFiles(folder)) {
  /** @type {Map<string, Set<string>>} */
  const anchors = new Map();
  const anchorsIn = (/** @type {string} */ path) => {
    const known = anchors.get(path) ?? anchorsOf(readFileSync(path, 'utf8'));
    anchors.set(path, known);
    return known;
  };
  return files.flatMap((file) =>
    linksOf(readFileSync(file, 'utf8')).flatMap(({ target, line }) => {
      const fault = isExternal(target) ? undefined : faultOf(folder, file, target, anchorsIn);
      return fault ? [`${relative(folder, file)}:${line}: ${target}: ${fault}`] : [];
    }),
  );
}

/**
 * @param {string} folder
 * @param {string} file
 * @param {string} target
 * @param {(path: string) => Set<string>} anchorsIn
 */
function faultOf(folder, file, target, anchorsIn) {
  const [path = '', anchor] = target.split('#');
  if (target === '') return 'the link is empty';
  const to = path === '' ? file : resolve(dirname(file), decodeURIComponent(path));
  if (to !== folder && !to.startsWith(folder + sep)) return 'it leads out of the project';
  if (!existsSync(to)) return 'there is no such file';
  if (anchor === undefined || !to.endsWith('.md')) return undefined;
  if (statSync(to).isDirectory()) return 'a folder has no anchors';
  return anchorsIn(to).has(anchor) ? undefined : 'there is no such heading';
}

if (process.argv[1] === import.meta.filename) {
  const files = markdownFiles(root);
  const dead = deadLinks(root, files);
  for (const fault of dead) console.error(fault);
  console.log(`${files.length} Markdown files: ${dead.length} dead links`);
  process.exitCode = dead.length > 0 ? 1 : 0;
}
