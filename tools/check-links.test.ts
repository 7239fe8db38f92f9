import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deadLinks, markdownFiles } from './check-links.mjs';
import { anchorsOf, slugOf } from './markdown-links.mjs';
import { root } from './setup.mjs';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-links-'));
  mkdirSync(join(folder, 'docs'));
  writeFileSync(join(folder, 'picture.gif'), '');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** @returns problems that the check finds in a page beside the others */
function check(markdown: string): string[] {
  writeFileSync(join(folder, 'page.md'), markdown);
  writeFileSync(
    join(folder, 'docs/other.md'),
    '# Other\n\n## What it `holds`\n\n## Twice\n\n## Twice\n',
  );
  return deadLinks(folder);
}

test.each([
  ['a file', '[a](docs/other.md)'],
  ['a folder', '[a](docs)'],
  ['a picture', '![a](picture.gif "title")'],
  ['a heading with code in it', '[a](docs/other.md#what-it-holds)'],
  ['the second of two equal headings', '[a](docs/other.md#twice-1)'],
  ['a heading of the same page', '# Here\n\n[a](#here)'],
  ['a definition', '[a]\n\n[a]: docs/other.md#twice'],
  ['an element', '<a href="docs/other.md">a</a>'],
  ['another site, which is not asked', '[a](https://nowhere.invalid/x#y)'],
  ['what is no link, in a fence', '```md\n[a](none.md)\n```'],
  ['what is no link, in code', '`[a](none.md)`'],
])('a link to %s is good', (_, markdown) => {
  expect(check(markdown)).toEqual([]);
});

test.each([
  ['a file that is missing', '[a](none.md)', 'page.md:1: none.md: there is no such file'],
  ['a picture that is missing', 'Text\n\n![a](none.png)', 'page.md:3: none.png'],
  ['a heading that is missing', '[a](docs/other.md#none)', 'there is no such heading'],
  ['a heading of the same page', '[a](#none)', 'page.md:1: #none: there is no such heading'],
  ['a heading that stands in a fence', '```\n# Here\n```\n[a](#here)', 'no such heading'],
  ['a third of two equal headings', '[a](docs/other.md#twice-2)', 'there is no such heading'],
  ['another folder of the computer', '[a](../outside.md)', 'it leads out of the project'],
  ['a definition of nothing', '[a]\n\n[a]: none.md', 'page.md:3: none.md'],
  ['an element', '<img alt="" src="none.png">', 'none.png: there is no such file'],
  ['nothing', '[a]()', 'the link is empty'],
])('a link to %s is reported', (_, markdown, fault) => {
  const faults = check(markdown);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(fault);
});

test.each([
  ['cprSave and cprLoad', 'cprsave-and-cprload'],
  ["What v86's own state leaves out", 'what-v86s-own-state-leaves-out'],
  ['Netlify, Cloudflare Pages', 'netlify-cloudflare-pages'],
  ['`console.input` & more_or less', 'consoleinput--more_or-less'],
])('the anchor of "%s" is that of GitHub', (heading, anchor) => {
  expect(slugOf(heading)).toBe(anchor);
});

test('headings below a fence of four marks are found', () => {
  expect([...anchorsOf('````md\n```\n# No\n```\n````\n\n# Yes')]).toEqual(['yes']);
});

test('the check looks at README, docs and the specifications', () => {
  const files = markdownFiles(root).map((path) => path.slice(root.length + 1));
  for (const file of ['README.md', 'SECURITY.md', 'docs/index.md', 'docs/spec/vmstate.md'])
    expect(files).toContain(file);
  expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
});
