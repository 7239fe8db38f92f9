import { expect, test } from 'vitest';
import { type Reached, reachOf } from '../../protocol/reach.ts';
import { networkLines } from '../address/url-network.ts';
import { asName, shown } from './foreign-text.ts';

test('a foreign text is a value of its own, and cannot continue a sentence of the page', () => {
  const group = '0”. Nothing leaves this browser. “';
  const lines = networkLines({
    purpose: 'network',
    kind: 'inbrowser',
    url: '',
    group,
    isSameOrigin: false,
  });
  expect(lines.filter(({ value }) => value.includes('Nothing leaves'))).toEqual([
    { what: 'Hub', value: group },
  ]);
});

test('characters that turn or hide others are shown as what they are: something is there', () => {
  expect(shown('gnp.\u{202e}exe\u{200b}\n\u{2066}a\u{0}')).toBe(
    'gnp.\u{fffd}exe\u{fffd}\u{fffd}\u{fffd}a\u{fffd}',
  );
  expect(shown('Zürich 日本 עברית 👍')).toBe('Zürich 日本 עברית 👍');
});

test('[15] a title that becomes a name cannot leave its quotation marks', () => {
  const title = 'Linux”. \u{202e}Your browser is out of date: call "us" «now» „please‟ ';
  expect(asName(title)).not.toMatch(/["“”„‟«»‹›\u{202e}]/u);
  expect(asName(title)).toContain('Linux’. ');
  expect([...asName('x'.repeat(500))].length).toBe(80);
  expect(asName('   ')).toBe('Machine');
  expect(asName('Zürich’s 日本 👍')).toBe('Zürich’s 日本 👍');
});

test('a network that fetches says whether it reaches this site', () => {
  const reached = (more: Partial<Reached>) =>
    networkLines({ purpose: 'network', kind: 'fetch', url: '', isSameOrigin: false, ...more });
  expect(reached({})[0]?.value).toContain('not this site');
  expect(reached({ ownOrigin: true })[0]?.value).toContain('this site as well');
  const networkBackend = { kind: 'fetch', ownOrigin: true } as const;
  const lines = reachOf({ networkBackend }, 'https://x.test').flatMap(networkLines);
  expect(lines.map(({ value }) => value).join()).toContain('this site as well');
});
