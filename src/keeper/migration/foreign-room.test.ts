import { expect, test, vi } from 'vitest';
import type { ImportItem } from '../../protocol/state-transfer.ts';
import { ForeignRoom } from './foreign-room.ts';

const mib = 2 ** 20;
const blob = (index: number, totalBytes: number, offsetBytes = 0): ImportItem => ({
  kind: 'blob',
  stream: 'piece.9p.files',
  index,
  bytes: new Uint8Array(),
  totalBytes,
  offsetBytes,
});
const gone = (index: number): ImportItem => ({ kind: 'no-blob', stream: 'piece.9p.files', index });

async function pass(items: ImportItem[], answer: boolean) {
  const ask = vi.fn(async (_: number) => answer);
  const passed: ImportItem[] = [];
  const source = (async function* () {
    yield* items;
  })();
  const all = async () => {
    for await (const item of new ForeignRoom(ask).within(source)) passed.push(item);
  };
  const code = await all().then(
    () => undefined,
    (thrown) => thrown.code,
  );
  return { ask, passed: passed.length, code };
}

test('[MH9] 256 MiB of files need no approval, however often they are sent', async () => {
  const items = Array.from({ length: 40 }, () => blob(1, 200 * mib));
  expect(await pass([...items, gone(1), blob(2, 250 * mib)], false)).toMatchObject({
    passed: 42,
    code: undefined,
  });
});

test('[MH9] a file that claims more is not passed on without approval', async () => {
  const { ask, passed, code } = await pass([blob(1, 10), blob(2, 2 ** 32)], false);
  expect([ask.mock.calls, passed, code]).toEqual([[[8 * 2 ** 30]], 1, 'migration-refused']);
});

test('[MH9] approval is asked for twice as much each time', async () => {
  const { ask, passed } = await pass(
    [blob(1, 300 * mib), blob(2, 100 * mib), blob(3, 200 * mib)],
    true,
  );
  expect([ask.mock.calls, passed]).toEqual([[[512 * mib], [1024 * mib]], 3]);
});

test('[MH9] a hundred thousand empty files take room too', async () => {
  const items = Array.from({ length: 100_000 }, (_, i) => blob(i, 0));
  expect((await pass(items, false)).code).toBe('migration-refused');
});

test('[MH9] nothing approves more than 8 GiB', async () => {
  const items = [blob(1, 2 ** 32), blob(2, 2 ** 32), blob(3, 1)];
  const { ask, code } = await pass(items, true);
  expect([ask.mock.calls.length, code]).toEqual([2, 'migration-refused']);
});
