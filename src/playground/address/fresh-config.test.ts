import { expect, test } from 'vitest';
import type { MachineConfig } from '../../protocol/config.ts';
import { freshConfig } from './fresh-config.ts';

const config = {
  name: 'mine',
  memoryMiB: 64,
  mac: '00:22:15:aa:bb:cc',
  openedFrom: { url: 'a.holdfast', digest: 'xxh64:0' },
  bios: { url: 'seabios.bin' },
  bzImage: { bytes: new Uint8Array(0), sizeBytes: 9 },
} as unknown as MachineConfig;

test('a machine is made again of what it was made of, with a network address of its own', () => {
  const { mac: _, openedFrom: _from, ...others } = config;
  expect(freshConfig(config)).toEqual(others);
  expect(freshConfig(undefined)).toBeUndefined();
});
