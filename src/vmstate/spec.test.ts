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

it('[SP1] every rule of SPEC.md stands in the name of a test', () => {
  const spec = readFileSync(join(import.meta.dirname, 'SPEC.md'), 'utf8');
  const rules = [...spec.matchAll(/^- \*\*\[([A-Z]{2}\d+)\]\*\*/gm)].map(([, rule]) => rule);
  expect(rules.length).toBeGreaterThan(20);
  expect(new Set(rules).size).toBe(rules.length);
  const isNamed = (rule?: string) => new RegExp(`['"\`]\\[${rule}\\]`).test(sources);
  expect(rules.filter((rule) => !isNamed(rule))).toEqual([]);
});
