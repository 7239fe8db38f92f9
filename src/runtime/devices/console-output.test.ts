import { expect, test } from 'vitest';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { connectConsoleOutput } from './console-output.ts';

function console() {
  const listeners = new Map<string, (value: never) => void>();
  const bus = {
    register: (name: string, listener: (value: never) => void) => listeners.set(name, listener),
  } as unknown as Parameters<typeof connectConsoleOutput>[0];
  const events: string[] = [];
  const host = {
    consoleOutput: (name: string, bytes: Uint8Array) =>
      events.push(`${name} ${new TextDecoder().decode(bytes)}`),
  } as unknown as RuntimeHost;
  const output = connectConsoleOutput(bus, host);
  const print = (text: string) => {
    for (const byte of new TextEncoder().encode(text))
      listeners.get('serial1-output-byte')?.(byte as never);
  };
  return { output, print, events };
}

test('a short answer does not wait for the end of the turn, and comes once', async () => {
  const { output, print, events } = console();
  print('1 x 0\n');
  output.sendShort();
  expect(events).toEqual(['serial1 1 x 0\n']);
  print('2 s 0\n');
  await Promise.resolve();
  expect(events).toEqual(['serial1 1 x 0\n', 'serial1 2 s 0\n']);
});

test('much output leaves in one piece a turn', async () => {
  const { output, print, events } = console();
  print('a'.repeat(600));
  output.sendShort();
  print('b'.repeat(10));
  output.sendShort();
  expect(events).toEqual([]);
  await Promise.resolve();
  expect(events).toEqual([`serial1 ${'a'.repeat(600)}${'b'.repeat(10)}`]);
});
