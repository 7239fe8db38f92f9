/** The packed fixtures in another Playwright project. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect, test } from '@playwright/test';
import { chromiumLaunchOptions } from '../../tools/browser.mjs';
import { install } from './tarball.ts';

const execFileAsync = promisify(execFile);

const spec = `
import { expect, test } from 'holdfast/playwright';

test('a guest answers', async ({ guest }) => {
  expect(await guest.succeed('echo $((6*7))')).toBe('42\\n');
  await guest.succeed('touch /tmp/of-a-test-before');
  await guest.liveUpdate();
  await expect(guest).toShowText(/holdfast:~#/);
});

test('and is fresh for each test', async ({ guest }) => {
  await guest.fail('test -e /tmp/of-a-test-before');
  expect(1).toBe(2);
});
`;

test('fixtures from the tarball drive a guest, and attach evidence of what failed', {
  tag: '@slow',
}, async () => {
  test.setTimeout(240_000);
  const root = await mkdtemp(join(tmpdir(), 'holdfast-project-'));
  try {
    await writeFile(join(root, 'package.json'), JSON.stringify({ name: 'a', type: 'module' }));
    await install(root);
    // As if it had been installed: it is the peer dependency of the fixtures.
    await mkdir(join(root, 'node_modules/@playwright'));
    await symlink(
      resolve('node_modules/@playwright/test'),
      join(root, 'node_modules/@playwright/test'),
    );
    const options = JSON.stringify({ launchOptions: chromiumLaunchOptions() });
    await writeFile(
      join(root, 'playwright.config.ts'),
      `export default { use: ${options}, reporter: 'json', workers: 1, timeout: 60_000 };`,
    );
    await writeFile(join(root, 'guest.spec.ts'), spec);

    const { TEST_WORKER_INDEX: _, ...env } = process.env;
    const cli = resolve('node_modules/@playwright/test/cli.js');
    const run = await execFileAsync(process.execPath, [cli, 'test'], {
      ...{ cwd: root, env, maxBuffer: 1 << 26 },
    }).catch((failed: { stdout: string }) => failed);
    const report = JSON.parse(run.stdout) as {
      errors: unknown[];
      suites: { specs: { title: string; ok: boolean; tests: { results: Result[] }[] }[] }[];
    };
    expect(report.errors).toEqual([]);
    const [good, bad] = report.suites[0]?.specs ?? [];
    expect(good).toMatchObject({ title: 'a guest answers', ok: true });
    const result = bad?.tests[0]?.results[0];
    expect(stripVTControlCharacters(result?.error?.message ?? '')).toContain('Expected: 2');
    expect(result?.attachments.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['serial0.log', 'screen.txt', 'screen.png', 'guest.state']),
    );
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

interface Result {
  error?: { message: string };
  attachments: { name: string }[];
}
