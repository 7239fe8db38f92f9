import { expect, test } from 'vitest';
import { withSiteLinks } from './stage.mjs';

const targets = new Map([
  ['docs/library.md', 'library.md'],
  ['docs/spec/vmstate.md', 'spec/vmstate.md'],
  ['docs/adr/index.md', 'adr/index.md'],
  ['SECURITY.md', 'security.md'],
]);
const onSite = (text: string, file = 'docs/spec/vmstate.md', page = 'spec/vmstate.md') =>
  withSiteLinks(text, file, page, targets, 'https://x.test/blob/main/');

test.each([
  ['[a](../library.md#node)', '[a](../library.md#node)'],
  ['[a](../../SECURITY.md)', '[a](../security.md)'],
  ['[a](../adr)', '[a](../adr/index.md)'],
  ['[a](#values)', '[a](#values)'],
  ['[a](https://y.test/b.md)', '[a](https://y.test/b.md)'],
  ['[a](../../src/errors.ts)', '[a](https://x.test/blob/main/src/errors.ts)'],
  ['`[a](../library.md)`', '`[a](../library.md)`'],
])('%s becomes %s', (text, expected) => {
  expect(onSite(text)).toBe(expected);
});

test('links of a file that is elsewhere on the site follow it', () => {
  expect(
    onSite('[a](docs/library.md) [b](docs/spec/vmstate.md)', 'SECURITY.md', 'security.md'),
  ).toBe('[a](./library.md) [b](./spec/vmstate.md)');
});

test('without an address of the sources, links to them become text', () => {
  const text = 'See [the errors](../src/errors.ts), and [more](library.md).';
  expect(withSiteLinks(text, 'docs/library.md', 'library.md', targets, undefined)).toBe(
    'See the errors, and [more](./library.md).',
  );
});
