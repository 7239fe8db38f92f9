import { expect, test } from 'vitest';
import { PageCallGate } from './page-calls.ts';

test('[KM3] calls wait while the guest is between two keepers, and are then made in order', async () => {
  const gate = new PageCallGate();
  const made: string[] = [];
  gate.pass(() => made.push('before'));
  gate.hold();
  const first = gate.pass(() => made.push('first'));
  const second = gate.pass(() => made.push('second'));
  await Promise.resolve();
  expect(made).toEqual(['before']);
  gate.stays();
  await Promise.all([first, second]);
  expect(made).toEqual(['before', 'first', 'second']);
});

test('[KM3] a call that waits is refused once the guest has moved, and was not made', async () => {
  const gate = new PageCallGate();
  const made: string[] = [];
  gate.hold();
  const waiting = gate.pass(() => made.push('waiting')) as Promise<unknown>;
  gate.moved({ name: 'holdfast.1-a', url: 'https://site.test/keeper.js' });
  await expect(waiting).rejects.toMatchObject({ code: 'keeper-moved' });
  expect(() => gate.pass(() => made.push('late'))).toThrow('holdfast.1-a');
  expect(made).toEqual([]);
});
