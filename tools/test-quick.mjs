/**
 * `npm run test:quick`: an answer in under three minutes, while one works. It runs format, types, the
 * unit tests that the changes reach, and the end-to-end tests tagged `@quick`. A stale build is built
 * anew. Slow unit tests run if a file beside them changed. Stops at the first failure, and ends with what
 * it left out. `npm test` is the whole gate.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bin, ensureBrowser, ensurePackages, root, run } from './setup.mjs';

/** Unit tests of seconds each: run only if a file of their folder changed. */
const unitsBeside = [
  'src/runtime/core/guest-clock.test.ts',
  'src/runtime/devices/acpi-power.test.ts',
  'src/runtime/devices/ps2-input.test.ts',
  'src/runtime/disks/drives.test.ts',
  'src/runtime/disks/later.test.ts',
  'src/runtime/ninep/message.test.ts',
  'src/runtime/sound/sound.test.ts',
  'src/runtime/state/v86-state.test.ts',
  'src/server/connections.test.ts',
  'src/server/main.test.ts',
  'src/server/proxy.test.ts',
  'src/server/redis-coordination.test.ts',
  'src/server/state-server.test.ts',
  'src/server/state-store.test.ts',
];

/** Unit tests that take longer than all others together. */
const slowUnits = [
  'src/runtime/boot-hand-over.test.ts',
  'src/runtime/contract.test.ts',
  'src/runtime/golden.test.ts',
  'src/runtime/hostile-guest.test.ts',
  'src/runtime/core/write-tracking.test.ts',
  'src/runtime/cpu-states.test.ts',
  'src/runtime/first-runtime.test.ts',
  'src/runtime/vmstate-fuzz.test.ts',
  'src/server/crash.test.ts',
  'src/server/fuzz.test.ts',
  'src/server/processes.test.ts',
  'tools/build-server.test.ts',
  'tools/site-workers.test.ts',
];

const mainBranches = ['origin/main', 'main'];

/** The commit that the changes are counted from: where the branch left main, or the newest commit. */
function changesSince() {
  for (const branch of mainBranches) {
    const found = spawnSync('git', ['merge-base', 'HEAD', branch], { cwd: root, encoding: 'utf8' });
    if (found.status === 0) return found.stdout.trim();
  }
  return 'HEAD';
}

/**
 * Folders of files that changed since a commit, committed or not.
 * @param {string} base
 */
function changedFolders(base) {
  const lines = [
    ['diff', '--name-only', base],
    ['ls-files', '--others', '--exclude-standard'],
  ].map((args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout);
  return new Set(
    lines
      .join('\n')
      .split('\n')
      .filter(Boolean)
      .map((path) => dirname(path)),
  );
}

/**
 * @param {string} name
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function step(name, args, env = process.env) {
  console.log(`\n── ${name} ──`);
  const beganMs = Date.now();
  const ok = run(process.execPath, args, { env });
  console.log(
    `${name}: ${ok ? 'passed' : 'failed'} in ${Math.round((Date.now() - beganMs) / 1000)} s`,
  );
  if (!ok) throw new Error(`${name} failed.`);
}

function runAll() {
  ensurePackages();
  const browser = ensureBrowser();
  const gone = [...slowUnits, ...unitsBeside].filter((path) => !existsSync(join(root, path)));
  if (gone.length > 0) throw new Error(`tools/test-quick.mjs names files that are gone: ${gone}`);
  const base = changesSince();
  const folders = changedFolders(base);
  const leftOut = [...slowUnits, ...unitsBeside.filter((path) => !folders.has(dirname(path)))];
  step('format and lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']);
  step('types', [bin('typescript/bin/tsc'), '--build']);
  step('unit', [
    bin('vitest/vitest.mjs'),
    'run',
    '--passWithNoTests',
    // By default Vitest leaves a core free.
    '--maxWorkers=100%',
    `--changed=${base}`,
    ...leftOut.flatMap((path) => ['--exclude', path]),
  ]);
  // Its web server builds if dist/ is stale.
  step('end to end', [bin('@playwright/test/cli.js'), 'test', '--grep', '@quick'], {
    ...process.env,
    HOLDFAST_CHROMIUM: browser,
  });
  return { base, leftOut };
}

const beganMs = Date.now();
try {
  const { base, leftOut } = runAll();
  console.log(`
Left out: unused code, layers, folders, prose, packages, the site of the documentation, the unit tests
that the changes since ${base.slice(0, 9)} do not reach and ${leftOut.length} slow files of unit tests, and all end-to-end tests
without the tag @quick. npm run checks has the first five, npm test runs everything.

Passed in ${Math.round((Date.now() - beganMs) / 1000)} s.`);
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
