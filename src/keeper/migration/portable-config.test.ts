import { expect, test } from 'vitest';
import type { MachineConfig } from '../../protocol/config.ts';
import type { JsonObject } from '../../vmstate/json.ts';
import { fakeConfig } from '../testing/fake-runtime.ts';
import { checkedConfig, portableConfig } from './portable-config.ts';

const full: MachineConfig = {
  ...fakeConfig,
  id: 'm',
  lineage: '0'.repeat(32),
  bios: { url: 'https://site.test/bios' },
  vgaBios: { url: 'https://site.test/vgabios' },
  durable: true,
  limits: { diskMiB: 10 },
  networkBackend: { kind: 'fetch', ownOrigin: true },
  hda: { emptyBytes: 1024 },
};
const move = (part: object = {}) =>
  checkedConfig({ ...portableConfig(full), ...(part as JsonObject) }).config;

test('[MI2] the configuration is the same at the destination', () => {
  expect(move()).toEqual(full);
});

test.each([
  { hda: { contents: { kind: 'bytes', name: 'x', lastModifiedMs: 0, sizeBytes: -1 } } },
  { hda: { contents: { kind: 'link', name: 'x', lastModifiedMs: 0, sizeBytes: 1 } } },
  { cdrom: { contents: {} } },
  { cdrom: { contents: null } },
  { vgaMemoryMiB: 3 },
])('[MS9] a configuration with %j is refused', (part) => {
  expect(() => move(part)).toThrow(expect.objectContaining({ code: 'migration-refused' }));
});

test.each([0, 15, 4096, 1.5])('[MS9] a guest of %d MiB has no room', (memoryMiB) => {
  expect(() => move({ memoryMiB })).toThrow(expect.objectContaining({ code: 'migration-refused' }));
});
