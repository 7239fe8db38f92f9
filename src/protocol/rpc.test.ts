import { afterEach, expect, test } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { answeredNames, formerNames, type KeeperApi, keeperCalls } from './keeper-calls.ts';
import { callsOf, exposeKeeper, type KeeperWire, type RemoteKeeper, wrapKeeper } from './rpc.ts';
import { releasedCalls } from './testing/released-calls.ts';

let wire: KeeperWire | undefined;
afterEach(() => {
  wire?.release();
  wire = undefined;
});

/** A keeper at the other end of a real message channel. */
function remote(members: Partial<KeeperApi>): { keeper: RemoteKeeper } {
  const { port1, port2 } = new MessageChannel();
  exposeKeeper(whole(members), port1);
  const opened = wrapKeeper(port2);
  wire = opened;
  return { keeper: callsOf(opened.call) };
}

/** With the rest of the calls, which fail. */
function whole(members: object): KeeperApi {
  const missing = new Proxy(members, {
    get: (target, name) =>
      Reflect.get(target, name) ??
      (() => {
        throw new Error(`no ${String(name)} in this test`);
      }),
  });
  return missing as unknown as KeeperApi;
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

test('a HoldfastError keeps code, phase, message and its cause as text', async () => {
  const { keeper } = remote({
    restart: async () => {
      throw new HoldfastError('runtime-failed', 'It broke.', {
        phase: 'load',
        cause: new RangeError('too deep'),
      });
    },
  });
  const thrown = await keeper.restart({} as never).catch((e) => e);
  expect(thrown).toBeInstanceOf(HoldfastError);
  expect(thrown).toMatchObject({ code: 'runtime-failed', phase: 'load', message: 'It broke.' });
  expect(thrown.cause).toContain('RangeError: too deep');
});

test('a HoldfastError of another bundle keeps its code too', async () => {
  class HoldfastErrorOfTheRuntime extends Error {
    override readonly name = 'HoldfastError';
    readonly code = 'image-unavailable';
  }
  const { keeper } = remote({
    start: async () => {
      throw new HoldfastErrorOfTheRuntime('No kernel.');
    },
  });
  const thrown = await keeper.start({} as never).catch((e) => e);
  expect(thrown).toBeInstanceOf(HoldfastError);
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
  expect(thrown).toBeInstanceOf(HoldfastError);
  expect(thrown).toMatchObject({ code: 'internal', message });
});

test('a value that cannot be cloned is an error, not a silence', async () => {
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

/** A keeper whose calls answer with their names of today. */
function namesItsCalls(): KeeperApi {
  const named = (prefix: string, storage?: object) =>
    new Proxy({} as KeeperApi, {
      get: (_, name) => (name === 'storage' ? storage : () => `${prefix}${String(name)}`),
    });
  return named('', named('storage.'));
}

test('a page of an earlier release reaches every call by the name that it knows', async () => {
  const { port1, port2 } = new MessageChannel();
  exposeKeeper(namesItsCalls(), port1);
  const answers = new Map<string, unknown>();
  const settled = new Promise<void>((resolve) => {
    port2.onmessage = ({ data }) => {
      answers.set(data.id, data.value);
      if (answers.size === releasedCalls.length) resolve();
    };
  });
  // As the Comlink of that page puts a call.
  for (const name of releasedCalls)
    port2.postMessage({ id: name, type: 'APPLY', path: [name], argumentList: [] });
  await settled;
  const renamed = new Map(Object.entries(formerNames).map(([now, former]) => [former, now]));
  for (const name of releasedCalls) expect(answers.get(name)).toBe(renamed.get(name) ?? name);
  // Such a page makes no call that the keeper does not list.
  expect(answeredNames).toEqual(expect.arrayContaining([...releasedCalls]));
  port2.close();
});

test('every call of today arrives under its own name', async () => {
  const { port1, port2 } = new MessageChannel();
  exposeKeeper(namesItsCalls(), port1);
  const opened = wrapKeeper(port2);
  wire = opened;
  for (const name of keeperCalls) expect(await opened.call(name, [])).toBe(name);
});
