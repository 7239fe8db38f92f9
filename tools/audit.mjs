/**
 * Checks the installed packages. Every entry of a lock file must have a digest and come from the
 * registry that npm is set to. No package may have a known vulnerability or a wrong signature. The
 * advisories come from the registry; if it does not answer, the check reports that and does not
 * fail.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from './setup.mjs';

/**
 * Lock files, and the least severe advisory that fails. The limit is stricter for deployed
 * packages.
 */
export const locks = [
  { path: 'package-lock.json', level: 'high' },
  { path: 'server/package-lock.json', level: 'low' },
  { path: 'tools/checks/package-lock.json', level: 'high' },
  { path: 'tools/docs-site/package-lock.json', level: 'high' },
];

/**
 * Returns the faults in the entries of a lock file.
 * @param {{ packages: Record<string, { integrity?: string, resolved?: string, link?: boolean, inBundle?: boolean }> }} lock
 * @param {string} registry
 * @returns {string[]}
 */
export function lockFaults(lock, registry) {
  return Object.entries(lock.packages).flatMap(
    ([path, { integrity, resolved, link, inBundle }]) => {
      // The project itself, and packages bundled in another package.
      if (path === '' || link || inBundle) return [];
      const faults = [];
      if (!/^sha512-/.test(integrity ?? '')) faults.push(`${path} has no SHA-512 digest`);
      if (resolved !== undefined && !resolved.startsWith(registry)) {
        faults.push(`${path} comes from ${resolved}`);
      }
      return faults;
    },
  );
}

/**
 * @param {string[]} args of npm
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 */
function npm(args, folder, env) {
  const path = process.env.npm_execpath;
  const [command, ...before] = path ? [process.execPath, path] : ['npm'];
  const { status, stdout, stderr } = spawnSync(command, [...before, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env,
    shell: !path && process.platform === 'win32',
  });
  return { ok: status === 0, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/**
 * @param {string} folder of a lock file
 * @param {string} level
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {{ faults: string[], unknown?: string }} `unknown`: why the registry gave no answer
 */
export function advisories(folder, level, env = process.env) {
  // From the lock file alone, so that nothing has to be installed there.
  const args = ['audit', '--json', '--package-lock-only', `--audit-level=${level}`];
  const { ok, stdout, stderr } = npm(args, folder, env);
  /** @type {{ vulnerabilities?: Record<string, { severity: string, range: string }>, message?: string }} */
  let report = {};
  try {
    report = JSON.parse(stdout);
  } catch {
    // No JSON, not even an error: npm could not start.
  }
  if (!report.vulnerabilities) {
    return { faults: [], unknown: report.message ?? stderr.trim().split('\n').at(-1) ?? '' };
  }
  if (ok) return { faults: [] };
  return {
    faults: Object.entries(report.vulnerabilities).map(
      ([name, { severity, range }]) => `${name} ${range} is known to be unsafe (${severity})`,
    ),
  };
}

/** @returns {{ faults: string[], unknown?: string }} */
function signatures() {
  const { ok, stdout, stderr } = npm(['audit', 'signatures', '--json'], root, process.env);
  try {
    const { invalid = [], missing = [], message, error } = JSON.parse(stdout);
    if (message || error) return { faults: [], unknown: message ?? error.summary };
    return {
      faults: [
        ...invalid.map((/** @type {{ name: string }} */ { name }) => `${name}: wrong signature`),
        ...missing.map((/** @type {{ name: string }} */ { name }) => `${name}: no signature`),
      ],
    };
  } catch {
    return ok ? { faults: [] } : { faults: [], unknown: stderr.trim().split('\n')[0] };
  }
}

if (process.argv[1] === import.meta.filename) {
  const registry = npm(['config', 'get', 'registry'], root, process.env).stdout.trim();
  const faults = [];
  for (const { path, level } of locks) {
    faults.push(...lockFaults(JSON.parse(readFileSync(join(root, path), 'utf8')), registry));
    const found = advisories(dirname(join(root, path)), level);
    faults.push(...found.faults);
    if (found.unknown !== undefined) {
      console.warn(`Advisories for ${path} are NOT checked: ${found.unknown}`);
    }
  }
  const signed = signatures();
  faults.push(...signed.faults);
  if (signed.unknown !== undefined) console.warn(`Signatures are NOT checked: ${signed.unknown}`);
  for (const fault of faults) console.error(fault);
  console.log(
    `${locks.length} lock files from ${relative('', root) || '.'} and ${registry}: ${faults.length} faults`,
  );
  process.exitCode = faults.length > 0 ? 1 : 0;
}
