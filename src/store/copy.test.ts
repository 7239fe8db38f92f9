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

test('[F4] a place that is prepared slowly delays a checkpoint by two seconds, and is compared later', async () => {
  vi.useFakeTimers();
  let prepared = () => {};
  const machine = { id: 'm', name: 'm', generation: 3, takenAtMs: 1 } as MachineRow;
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
  } as unknown as DatabaseConnection;
  const read = vi.fn(async () => [machine]);
  const copy = new Copy({
    first: { read } as unknown as DatabaseConnection,
    digest: await loadDigest(),
    connect: async () => place,
    giveUp: () => undefined,
    completed: async () => undefined,
    discard: async () => undefined,
  });
  const row = { records: new Float64Array(0) } as GenerationRow;
  const whole = { machine, row, manifest: new Uint8Array(0) };
  const copied = copy.generation(whole, []);
  await vi.advanceTimersByTimeAsync(1999);
  await expect(Promise.race([copied.then(() => 'copied'), 'waits'])).resolves.toBe('waits');
  await vi.advanceTimersByTimeAsync(1);
  await copied;
  await copy.generation(whole, []);
  expect(writes, 'nothing is written to a place that is not prepared').toEqual([]);
  expect(read).not.toHaveBeenCalled();
  prepared();
  await vi.advanceTimersByTimeAsync(0);
  expect(read, 'compared with the first place').toHaveBeenCalled();
  await copy.generation(whole, []);
  expect(writes).toContain('copy-generation');
});
