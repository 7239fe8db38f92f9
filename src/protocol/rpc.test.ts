import { afterEach, expect, test } from 'vitest';
import { CprError } from '../errors.ts';
import type { KeeperApi } from './keeper-api.ts';
import { exposeKeeper, type KeeperWire, wrapKeeper } from './rpc.ts';

let wire: KeeperWire | undefined;
afterEach(() => {
  wire?.release();
  wire = undefined;
});

/** A keeper at the other end of a real message channel. */
function remote(members: Partial<KeeperApi> & Record<string, unknown>): KeeperWire {
  const { port1, port2 } = new MessageChannel();
  const missing = new Proxy(members, {
    get: (target, name) =>
      Reflect.get(target, name) ??
      (() => {
        throw new Error(`no ${String(name)} in this test`);
      }),
  });
  exposeKeeper(missing as unknown as KeeperApi, port1);
  wire = wrapKeeper(port2);
  return wire;
}

test('calls carry their arguments there and the result back', async () => {
  const { keeper } = remote({ command: (name, args) => [name, ...args] });
  expect(await keeper.command('scancodes', [Uint8Array.of(1, 2)])).toEqual([
    'scancodes',
    Uint8Array.of(1, 2),
  ]);
});

test('calls arrive in the order in which they were made', async () => {
  const seen: unknown[] = [];
  const { keeper } = remote({ command: (_name, [value]) => seen.push(value) });
  await Promise.all([1, 2, 3, 4].map((value) => keeper.command('note', [value])));
  expect(seen).toEqual([1, 2, 3, 4]);
});

test('a CprError keeps code, phase, message and its cause as text', async () => {
  const { keeper } = remote({
    restart: async () => {
      throw new CprError('runtime-failed', 'It broke.', {
        phase: 'load',
        cause: new RangeError('too deep'),
      });
    },
  });
  const thrown = await keeper.restart({} as never).catch((e) => e);
  expect(thrown).toBeInstanceOf(CprError);
  expect(thrown).toMatchObject({ code: 'runtime-failed', phase: 'load', message: 'It broke.' });
  expect(thrown.cause).toContain('RangeError: too deep');
});

test('a CprError of another bundle keeps its code too', async () => {
  class CprErrorOfTheRuntime extends Error {
    override readonly name = 'CprError';
    readonly code = 'image-unavailable';
  }
  const { keeper } = remote({
    start: async () => {
      throw new CprErrorOfTheRuntime('No kernel.');
    },
  });
  const thrown = await keeper.start({} as never).catch((e) => e);
  expect(thrown).toBeInstanceOf(CprError);
  expect(thrown).toMatchObject({ code: 'image-unavailable', message: 'No kernel.' });
});

test.each([
  [new TypeError('x is not a function'), 'x is not a function'],
  ['a bare string', 'a bare string'],
  [undefined, 'undefined'],
])('anything else thrown arrives as internal: %o', async (value, message) => {
  const { keeper } = remote({
    info: () => {
      throw value;
    },
  });
  const thrown = await keeper.info().catch((e) => e);
  expect(thrown).toBeInstanceOf(CprError);
  expect(thrown).toMatchObject({ code: 'internal', message });
});

test('what cannot be cloned is an error, not a silence', async () => {
  const { keeper } = remote({ command: () => () => 'a function' });
  const back = await keeper.command('x', []).catch((e) => e);
  expect(back).toMatchObject({ code: 'internal' });
  const there = await keeper.command('x', [() => {}]).catch((e) => e);
  const message = expect.stringContaining('could not be made');
  expect(there).toMatchObject({ code: 'internal', message });
});

test('pages reach the calls of the API and nothing else', async () => {
  const { port1, port2 } = new MessageChannel();
  const secret = { value: 42 };
  exposeKeeper(new Proxy({} as KeeperApi, { get: () => () => secret }), port1);
  const answer = new Promise<{ value: unknown }>((resolve) => {
    port2.onmessage = ({ data }) => resolve(data);
  });
  port2.postMessage({ id: '1', type: 'GET', path: ['secret'] });
  expect((await answer).value).toBeUndefined();
  port2.close();
});
