import { afterEach, expect, test, vi } from 'vitest';
import { LostMachines } from './lost-machines.ts';
import { Marks } from './mark.ts';
import { FakeCache } from './testing/fake-cache.ts';
import type { StoredMachine } from './types.ts';

afterEach(() => void vi.unstubAllGlobals());

const stored = (id: string, takenAtMs: number) => ({ id, name: id, takenAtMs }) as StoredMachine;

async function marked(id: string, takenAtMs: number): Promise<Marks> {
  const cache = new FakeCache();
  vi.stubGlobal('caches', { open: async () => cache });
  const marks = new Marks();
  await marks.put({ id, name: id, takenAtMs });
  return marks;
}

test('[F5] a loss is reported by a store that is opened again before it was reported', async () => {
  const marks = await marked('reopened', 2000);
  await new LostMachines(marks, async () => [stored('reopened', 1000)]).look();
  // The guest was resumed and saved meanwhile.
  await marks.put({ id: 'reopened', name: 'reopened', takenAtMs: 3000 });
  const again = new LostMachines(marks, async () => [stored('reopened', 3000)]);
  expect(await again.report()).toContainEqual(
    expect.objectContaining({ id: 'reopened', takenAtMs: 2000, leftAtMs: 1000 }),
  );
  expect(await marks.all()).toEqual([{ id: 'reopened', name: 'reopened', takenAtMs: 3000 }]);
});

test('[F5] a mark stays until the loss is reported, and goes then', async () => {
  const marks = await marked('gone', 2000);
  const lost = new LostMachines(marks, async () => []);
  await lost.look();
  expect(await marks.all()).toHaveLength(1);
  expect(await lost.report()).toContainEqual(
    expect.objectContaining({ id: 'gone', takenAtMs: 2000 }),
  );
  expect(await marks.all()).toEqual([]);
});

test('[F5] storage that cannot be read at first is looked at again', async () => {
  const marks = await marked('later', 2000);
  const machines = vi.fn<() => Promise<StoredMachine[]>>().mockRejectedValueOnce(new Error());
  const lost = new LostMachines(marks, machines);
  await lost.look();
  machines.mockResolvedValue([]);
  expect(await lost.report()).toContainEqual(expect.objectContaining({ id: 'later' }));
});
