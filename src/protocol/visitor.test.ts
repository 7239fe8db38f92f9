import { expect, test } from 'vitest';
import { askingFor } from './visitor.ts';

const keeper = 'https://example.org/play/keeper.js';
const omitted = { credentials: 'omit' };

test('[2] a stranger’s machine reads nothing of this origin as its visitor, but the files of the site', () => {
  for (const url of [
    'https://example.org/account',
    'https://example.org/player',
    'https://example.org/play/..%2faccount',
    'https://example.org/play/..%5Caccount',
    'https://elsewhere.example/play/disk.img',
  ])
    expect(askingFor(url, true, keeper), url).toEqual(omitted);
  expect(askingFor('https://example.org/play/firmware/seabios.bin', true, keeper)).toEqual({});
  expect(askingFor('https://example.org/account', false, keeper)).toEqual({});
  expect(askingFor('https://example.org/account', true, undefined)).toEqual(omitted);
});
