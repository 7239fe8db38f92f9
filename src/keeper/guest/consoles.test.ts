import { expect, test } from 'vitest';
import type { MachineEvent } from '../../protocol/events.ts';
import { Consoles } from './consoles.ts';

test('a piece of the runtime is a message at once: the runtime alone collects bytes', () => {
  const sent: MachineEvent[] = [];
  const consoles = new Consoles((event) => sent.push(event));
  for (const text of ['one ', 'two']) consoles.output('serial0', new TextEncoder().encode(text));
  expect(sent).toEqual([
    { type: 'console', console: 'serial0', offset: 0, bytes: new TextEncoder().encode('one ') },
    { type: 'console', console: 'serial0', offset: 4, bytes: new TextEncoder().encode('two') },
  ]);
});
