import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { isExternal, linksOf } from './markdown-links.mjs';
import { checkBin, ensureChecks, root } from './setup.mjs';

beforeAll(() => ensureChecks());

test('a release moves the entries to the top of the changelog, below its title', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-release-'));
  try {
    for (const path of ['package.json', 'CHANGELOG.md', '.changeset'])
      cpSync(join(root, path), join(folder, path), { recursive: true });
    const entry = '---\n"holdfast": patch\n---\n\nFormat: an entry of the test\n';
    writeFileSync(join(folder, '.changeset/entry-of-the-test.md'), entry);
    const { version: before } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const run = (command: string, ...args: string[]) =>
      execFileSync(command, args, { cwd: folder, stdio: 'pipe' });
    run('git', 'init', '--quiet', '--initial-branch=main');
    run(process.execPath, checkBin('@changesets/cli/bin.js'), 'version');

    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
    expect(version).not.toBe(before);
    expect(changelog).toMatch(/^# Changelog\n\n## /);
    const releases = Array.from(changelog.matchAll(/^## (.*)$/gm), ([, title]) => title);
    expect(releases.slice(0, 2)).toEqual([version, before]);
    const [, newest = ''] = changelog.split(/^## .*$/m);
    expect(newest).toContain('Format: an entry of the test');
    expect(readdirSync(join(folder, '.changeset')).sort()).toEqual(['README.md', 'config.json']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const entries = readdirSync(join(root, '.changeset')).filter(
  (name) => name.endsWith('.md') && name !== 'README.md',
);
test('links of an entry lead to the same place from CHANGELOG.md', () => {
  for (const name of entries) {
    const links = linksOf(readFileSync(join(root, '.changeset', name), 'utf8'));
    expect(links.filter(({ target }) => !isExternal(target), name)).toEqual([]);
  }
});
