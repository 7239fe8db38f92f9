import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const html = readFileSync('index.html', 'utf8');
const sources = readdirSync('src/playground', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.test.ts'))
  .map((name) => readFileSync(join('src/playground', name), 'utf8'))
  .join('\n');
const ids = [...html.matchAll(/\bid="([^"]+)"/g)].map(([, id = '']) => id);

test('each element that the page looks up by its id is in index.html', () => {
  const wanted = [...sources.matchAll(/\belement\(\s*'([^']+)'/g)].map(([, id]) => id);
  expect(wanted.length).toBeGreaterThan(20);
  expect(wanted.filter((id = '') => !ids.includes(id))).toEqual([]);
});

test('index.html has no dialog: each is made when it is opened', () => {
  expect(html).not.toContain('<dialog');
});
