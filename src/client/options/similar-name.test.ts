import { expect, test } from 'vitest';
import { similarName } from './similar-name.ts';

const known = ['cdrom.url', 'hda.url', 'hdb.url', 'guest', 'machine', 'm', 'vram', 'relay_url'];

test.each([
  ['cdrm.url', 'cdrom.url'],
  ['hdaurl', 'hda.url'],
  ['geust', 'guest'],
  ['Machine', 'machine'],
  ['relayUrl', 'relay_url'],
])('%s is probably %s', (name, meant) => {
  expect(similarName(name, known)).toBe(meant);
});

test.each(['x', 'mm', 'utm_source', 'theme', 'q'])('%s is like none', (name) => {
  expect(similarName(name, known)).toBeUndefined();
});
