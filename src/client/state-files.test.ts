import { expect, test } from 'vitest';
import type { RemoteKeeper } from '../protocol/rpc.ts';
import { StateFile } from '../state-file/state-file.ts';
import type { OpenStateOptions } from './start-options.ts';
import { openState } from './state-files.ts';

const runtime = { id: 'r', v86Version: '1', url: 'https://x.test/r', wasmUrl: 'https://x.test/w' };
const keeper = {} as RemoteKeeper;

/** A file with this head, which records whether it was read further. */
function stateFile(urls: StateFile['info']['urls']) {
  const told = { isOpened: false };
  const file = Object.create(StateFile.prototype, {
    info: { value: { urls } },
    // It has its largest size from the beginning.
    onMore: { value: (approve: (sizeBytes: number) => unknown) => approve(2 ** 30) },
    close: { value: () => {} },
    open: {
      value: () => {
        told.isOpened = true;
        return Promise.reject(new Error('opened'));
      },
    },
    signal: { value: undefined },
  }) as StateFile;
  return { file, told };
}

const network = { purpose: 'network', kind: 'fetch', url: '', isSameOrigin: false } as const;
const own = { purpose: 'bios', url: 'https://x.test/b', isSameOrigin: true } as const;
const foreign = { purpose: 'hda', url: 'https://y.test/d', isSameOrigin: false } as const;

test('[3] without approve a state that reaches others is refused before anything is read', async () => {
  for (const reached of [network, foreign]) {
    const { file, told } = stateFile([own, reached]);
    await expect(openState(keeper, file, { runtime })).rejects.toMatchObject({
      code: 'not-approved',
    });
    expect(told.isOpened).toBe(false);
  }
});

test('[3] approve gets every item that reaches others, networks too, and a no ends it', async () => {
  const asked: unknown[] = [];
  const approve: NonNullable<OpenStateOptions['approve']> = (items) => {
    asked.push(...items);
    return false;
  };
  const { file, told } = stateFile([own, network, foreign]);
  await expect(openState(keeper, file, { runtime, approve })).rejects.toMatchObject({
    code: 'not-approved',
  });
  expect(asked).toEqual([network, foreign]);
  expect(told.isOpened).toBe(false);
});

test('[3] [5] memory is asked about once the rest is approved, not beside it', async () => {
  const asked: string[] = [];
  let answer = (_: boolean) => {};
  const approve: NonNullable<OpenStateOptions['approve']> = ([first]) => {
    asked.push(first?.purpose ?? '');
    return new Promise((resolve) => {
      answer = resolve;
    });
  };
  const { file } = stateFile([network]);
  const opening = openState(keeper, file, { runtime, approve });
  await expect.poll(() => asked).toEqual(['network']);
  answer(true);
  await expect(opening).rejects.toThrow('opened');
  expect(asked).toEqual(['network', 'memory']);
});

test('[3] what must not be reached from here is refused although it was approved', async () => {
  const { file, told } = stateFile([foreign]);
  const requirePublic = () => Promise.reject(new Error('private'));
  const opening = openState(keeper, file, { runtime, approve: () => true }, requirePublic);
  await expect(opening).rejects.toThrow('private');
  expect(told.isOpened).toBe(false);
});

test('[2] [6] a clone of unknown origin gets no cookies, and room is left for others', async () => {
  const made = async (options: Omit<OpenStateOptions, 'runtime'>) => {
    const { file } = stateFile([own]);
    const opened = { config: { name: 'x' }, ranges: [], failed: new Promise(() => {}) };
    let config: unknown;
    const keepersOpenState = async (request: { config: unknown }) => {
      config = request.config;
    };
    const whole = Object.create(file, { open: { value: async () => opened } }) as StateFile;
    await openState({ openState: keepersOpenState } as never, whole, { runtime, ...options });
    return config;
  };
  expect(await made({})).toMatchObject({ foreign: true });
  expect(await made({ config: { name: 'y' } })).toMatchObject({ name: 'y', foreign: true });
  expect(await made({ config: { foreign: false } })).toMatchObject({ foreign: false });
  expect(await made({ identity: 'continuation' })).not.toHaveProperty('foreign');
});

test('a state that needs nothing of others is opened without a question', async () => {
  const { file, told } = stateFile([own]);
  await expect(openState(keeper, file, { runtime })).rejects.toThrow('opened');
  expect(told.isOpened).toBe(true);
});
