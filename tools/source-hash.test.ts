import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sourceHash } from './source-hash.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-'));
  mkdirSync(join(root, 'src'));
  writeFileSync(join(root, 'src/a.ts'), 'one');
});
afterEach(() => rmSync(root, { recursive: true }));

test('the same sources have the same hash', () => {
  expect(sourceHash(root)).toBe(sourceHash(root));
});

test('a changed, added or renamed source changes the hash', () => {
  const before = sourceHash(root);
  writeFileSync(join(root, 'src/a.ts'), 'two');
  const changed = sourceHash(root);
  writeFileSync(join(root, 'src/b.ts'), '');
  const added = sourceHash(root);
  rmSync(join(root, 'src/b.ts'));
  writeFileSync(join(root, 'src/c.ts'), '');
  const renamed = sourceHash(root);
  expect(new Set([before, changed, added, renamed]).size).toBe(4);
});

test('tests and notes are not part of a build', () => {
  const before = sourceHash(root);
  writeFileSync(join(root, 'src/a.test.ts'), '');
  writeFileSync(join(root, 'src/SPEC.md'), '');
  expect(sourceHash(root)).toBe(before);
});
