import { expect, test, vi } from 'vitest';
import type { MachineHost } from '../machine/machine-host.ts';
import { MachineNetwork } from './machine-network.ts';
import { wireName } from './network-relay.ts';

test('[KM7] a network that cannot say what is open does not undo the move', () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const kept = new Map<string, unknown>([[wireName, {}]]);
  const infoNetwork = () => ({ mac: '00:22:15:00:00:01' });
  const execution = { instance: { commands: { infoNetwork } } };
  const network = new MachineNetwork({ backing: { kept }, execution } as unknown as MachineHost);
  network.take();
  expect(network.isTaken).toBe(false);
  expect(kept.has(wireName)).toBe(true);
});
