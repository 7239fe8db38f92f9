import { expect, test } from 'vitest';
import type { MachineStatus } from '../../protocol/events.ts';
import { freshConfig } from './fresh-config.ts';

const config = {
  name: 'mine',
  memoryMiB: 64,
  mac: '00:22:15:aa:bb:cc',
  bios: { url: 'seabios.bin' },
  hda: { file: new File(['x'], 'disk.img') },
};
const statusOf = (change: object = {}) =>
  ({ config: { ...config, ...change } }) as unknown as MachineStatus;

test('what is all there is booted again, with a network address of its own', () => {
  const { mac: _, ...others } = config;
  expect(freshConfig(statusOf())).toEqual(others);
});

test('a status carries no bytes, and without them nothing is booted', () => {
  const bzImage = { bytes: new Uint8Array(0), sizeBytes: 9 };
  expect(freshConfig(statusOf({ bzImage }))).toBeUndefined();
  expect(freshConfig(null)).toBeUndefined();
});
