import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const sources = ['src', 'e2e', 'tools']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      join(root, folder, file),
    ),
  )
  .filter((path) => /\.(test|spec)\.ts$/.test(path))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');

it.each([
  ['vmstate.md', 25],
  ['state-file.md', 8],
  ['storage.md', 9],
  ['migration.md', 20],
  ['send.md', 18],
  ['lazy-memory.md', 8],
])('[SP1] every rule of docs/spec/%s stands in the name of a test', (file, least) => {
  const spec = readFileSync(join(root, 'docs/spec', file), 'utf8');
  const rules = [...spec.matchAll(/^- \*\*\[([A-Z]{1,2}\d+)\]/gm)].map(([, rule]) => rule);
  expect(rules.length).toBeGreaterThan(least);
  expect(new Set(rules).size).toBe(rules.length);
  // A test may keep several rules: '[S3] [F1] …'.
  const isNamed = (rule?: string) =>
    new RegExp(`['"\`](?:\\[\\w+\\] )*\\[${rule}\\]`).test(sources);
  expect(rules.filter((rule) => !isNamed(rule))).toEqual([]);
});
