import { expect, test } from 'vitest';
import { defaultMachineId } from '../../client/machine-id.ts';
import { HoldfastError } from '../../errors.ts';
import { listed, questionBefore } from './place-of-machine.ts';

const place = { machineId: 'a', isHere: false, stored: [] };

test('[15] while the list of stored machines is unknown, a machine is replaced only with a yes', async () => {
  const failures = [
    new HoldfastError('internal', 'The list could not be read.'),
    new HoldfastError('storage-failing', 'The disk failed.'),
    new DOMException('The database is damaged.', 'UnknownError'),
  ];
  for (const failure of failures) {
    const stored = await listed(() => Promise.reject(failure));
    expect(stored).toBeUndefined();
    for (const machineId of ['a', defaultMachineId])
      expect(questionBefore({ ...place, machineId, stored })).toBe('replace');
  }
});

test('[15] where nothing can be stored nothing is replaced', async () => {
  const failure = new HoldfastError('storage-unavailable', 'There is none.');
  const stored = await listed(() => Promise.reject(failure));
  expect(questionBefore({ ...place, stored })).toBeNull();
});

test('a machine that is here or stored is replaced only with a yes', () => {
  expect(questionBefore({ ...place, isHere: true })).toBe('replace');
  expect(questionBefore({ ...place, stored: [{ id: 'b' }, { id: 'a' }] })).toBe('replace');
});

test('[4] an empty place is taken without a question, but the visitor’s own', () => {
  expect(questionBefore({ ...place, stored: [{ id: 'b' }] })).toBeNull();
  expect(questionBefore({ ...place, machineId: defaultMachineId })).toBe('default');
});
