import { afterEach, expect, test, vi } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { Copy } from './copy.ts';
import { DatabaseConnection } from './database-connection.ts';
import { loadDigest } from './digest.ts';
import type { GenerationRow, MachineRow } from './schema.ts';

afterEach(() => vi.useRealTimers());

const options = {
  databaseName: 'holdfast',
  openTimeoutMs: 10_000,
  onLost: () => undefined,
  onWindow: () => undefined,
};

for (const [code, then] of [
  ['storage-full', 'is kept, and no other one is begun beside it'],
  ['storage-failing', 'is given up'],
] as const) {
  test(`[F4] a copy that is refused with ${code} ${then}`, async () => {
    let givenUp = 0;
    const copy = new Copy({
      first: new DatabaseConnection(options),
      digest: await loadDigest(),
      connect: () => Promise.reject(new HoldfastError(code, 'Refused.')),
      giveUp: () => {
        givenUp++;
      },
      completed: async () => undefined,
      discard: async () => undefined,
    });
    await copy.secure();
    expect(givenUp).toBe(code === 'storage-full' ? 0 : 1);
  });
}

const machine = { id: 'm', name: 'm', generation: 3, takenAtMs: 1 } as MachineRow;
const row = { records: new Float64Array(0) } as GenerationRow;
const whole = { machine, row, manifest: new Uint8Array(0) };

/** A copy whose place is prepared on demand. */
async function preparedLater() {
  vi.useFakeTimers();
  let prepared = () => {};
  const writes: string[] = [];
  const place = {
    prepareToWrite: () =>
      new Promise<void>((resolve) => {
        prepared = resolve;
      }),
    read: async () => [machine],
    write: async ({ name }: { name: string }) => {
      writes.push(name);
      return [];
    },
    close: () => {},
  } as unknown as DatabaseConnection;
  const readFirst = vi.fn(async () => [machine]);
  const copy = new Copy({
    first: { read: readFirst } as unknown as DatabaseConnection,
    digest: await loadDigest(),
    connect: async () => place,
    giveUp: () => undefined,
    completed: async () => undefined,
    discard: async () => undefined,
  });
  return { copy, writes, readFirst, prepare: () => prepared() };
}

test('[F4] a place that is prepared slowly delays a checkpoint by two seconds, and is compared later', async () => {
  const { copy, writes, readFirst, prepare } = await preparedLater();
  const copied = copy.generation(whole, []);
  await vi.advanceTimersByTimeAsync(1999);
  await expect(Promise.race([copied.then(() => 'copied'), 'waits'])).resolves.toBe('waits');
  await vi.advanceTimersByTimeAsync(1);
  await copied;
  await copy.generation(whole, []);
  expect(writes, 'nothing is written to a place that is not prepared').toEqual([]);
  expect(readFirst).not.toHaveBeenCalled();
  prepare();
  await vi.advanceTimersByTimeAsync(0);
  expect(readFirst, 'compared with the first place').toHaveBeenCalled();
  await copy.generation(whole, []);
  expect(writes).toContain('copy-generation');
});

test.each([
  ['was not prepared', async (copy: Copy) => copy.generation(whole, [])],
  ['was not given one', async (copy: Copy) => copy.skipped()],
])(
  '[F8] the log of the first place is not renewed before a copy that %s is complete',
  async (_, miss) => {
    const { copy, readFirst } = await preparedLater();
    await copy.secure();
    const missed = miss(copy);
    await vi.advanceTimersByTimeAsync(2000);
    await missed;
    readFirst.mockClear();
    await copy.secure();
    expect(readFirst).toHaveBeenCalled();
    readFirst.mockClear();
    await copy.secure();
    expect(readFirst, 'nothing is missing').not.toHaveBeenCalled();
  },
);

test('[S1] a machine that is deleted while it is copied is deleted from the copy, too', async () => {
  const { copy, writes, readFirst } = await preparedLater();
  const gone = { ...machine, id: 'gone' };
  let removed: Promise<void> | undefined;
  readFirst.mockImplementationOnce(async () => [machine, gone]);
  // The read of its generations, for the copy.
  readFirst.mockImplementationOnce(async () => {
    removed = copy.remove('gone', async () => {});
    throw new HoldfastError('not-found', 'It is gone.');
  });
  await copy.secure();
  await removed;
  expect(writes.filter((name) => name === 'copy-remove')).toHaveLength(2);
});

test('[F4] a machine that is stored again after its deletion is copied', async () => {
  const { copy, readFirst, prepare } = await preparedLater();
  await copy.remove('m', async () => {});
  const missed = copy.generation(whole, []);
  await vi.advanceTimersByTimeAsync(2000);
  await missed;
  const newer = { ...machine, generation: 4, takenAtMs: 2 };
  readFirst.mockClear();
  readFirst.mockImplementation(async () => [newer]);
  prepare();
  await vi.advanceTimersByTimeAsync(0);
  const reads = readFirst.mock.calls as unknown as [stores: string[]][];
  expect(reads.flatMap(([stores]) => stores)).toContain('generations');
});
