/**
 * `npm test`: the whole gate. Runs every check even when an earlier one fails, prints a line for
 * each, and ends with the line `N passed, N failed`. `npm run checks` (`--checks`) runs those that read
 * the sources only.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  bin,
  buildCommand,
  checkBin,
  ensureBrowser,
  ensureChecks,
  ensureDocsSite,
  ensureFirefox,
  ensurePackages,
  ensureRedis,
  root,
  run,
} from './setup.mjs';

/** @typedef {{ name: string, passed: number, failed: number, skipped?: number }} Result */

const reports = join(root, 'test-results');

/** @returns {Result[]} */
function runAll() {
  ensurePackages();
  ensureChecks();
  if (process.argv.includes('--checks')) return checkSources();
  ensureDocsSite();
  const browser = ensureBrowser();
  ensureFirefox();
  ensureRedis();
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports);
  return [
    ...checkSources(),
    unit(),
    check('build', buildCommand),
    check('package', [join(root, 'tools/check-package.mjs')]),
    // It fails for a link that leads nowhere.
    check('docs', [join(root, 'tools/docs-site/build.mjs')]),
    endToEnd('end to end', browser, ['--grep-invert', '@alone']),
    // Tests that compare times want the processors for themselves.
    endToEnd('end to end, alone', browser, ['--grep', '@alone', '--workers', '1']),
  ];
}

/** @returns {Result[]} */
function checkSources() {
  return [
    check('format and lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']),
    check('unused code', [checkBin('knip/bin/knip.js'), '--treat-config-hints-as-errors']),
    check('layers', cruise('layers.mjs', 'src', 'workers', 'tools', 'e2e')),
    check('folders', cruise('folders.mjs', 'src', 'workers')),
    check('prose', [join(root, 'tools/prose.mjs')]),
    check('packages', [join(root, 'tools/audit.mjs')]),
    // A full build: an incremental build of TypeScript 7.0 misses a new global in a .d.ts.
    check('types', [bin('typescript/bin/tsc'), '--build', '--force']),
  ];
}

/**
 * @param {string} rules a file of tools/checks
 * @param {string[]} folders
 */
function cruise(rules, ...folders) {
  const config = join(root, 'tools/checks', rules);
  return [checkBin('dependency-cruiser/bin/dependency-cruise.mjs'), '--config', config, ...folders];
}

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Result}
 */
function check(name, args) {
  const ok = node(name, args);
  return { name, passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
}

/** @returns {Result} */
function unit() {
  const report = join(reports, 'unit.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const ok = node('unit', [bin('vitest/vitest.mjs'), 'run', ...reporters]);
  const json = readReport(report);
  return total('unit', ok, {
    passed: json?.numPassedTests ?? 0,
    failed: json?.numFailedTests ?? 0,
    skipped: (json?.numPendingTests ?? 0) + (json?.numTodoTests ?? 0),
  });
}

/**
 * @param {string} name
 * @param {string} browser
 * @param {string[]} args
 * @returns {Result}
 */
function endToEnd(name, browser, args) {
  const report = `${name.replaceAll(/\W+/g, '-')}.json`;
  // playwright.config.ts writes the report.
  const env = { HOLDFAST_CHROMIUM: browser, HOLDFAST_E2E_REPORT: report };
  const ok = node(name, [bin('@playwright/test/cli.js'), 'test', ...args], env);
  const {
    expected = 0,
    flaky = 0,
    unexpected = 0,
    skipped = 0,
  } = readReport(join(reports, report))?.stats ?? {};
  // A test that only passes on a retry counts as failed.
  return total(name, ok, { passed: expected, failed: unexpected + flaky, skipped });
}

/**
 * Sums up a run. A runner may fail outside of any test (a file that does not load, no tests at
 * all): that counts as a failure.
 * @param {string} name
 * @param {boolean} ok
 * @param {{ passed: number, failed: number, skipped: number }} counts
 * @returns {Result}
 */
function total(name, ok, counts) {
  const failedOutside = counts.failed === 0 && (!ok || counts.passed === 0);
  return { name, ...counts, failed: failedOutside ? 1 : counts.failed };
}

/**
 * @param {string} name
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function node(name, args, env = {}) {
  console.log(`\n── ${name} ──`);
  return run(process.execPath, args, { env: { ...process.env, ...env } });
}

/** @param {string} path */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // The runner ended before it could report; its exit code shows the failure.
    return undefined;
  }
}

/** @type {Result[]} */
let results;
try {
  results = runAll();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  results = [{ name: 'set-up', passed: 0, failed: 1 }];
}
console.log();
for (const { name, passed, failed, skipped } of results) {
  console.log(
    `${name}: ${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`,
  );
}
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
