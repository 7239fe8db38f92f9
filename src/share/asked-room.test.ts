import { expect, test } from 'vitest';
import { AskedRoom } from './asked-room.ts';

const MiB = 2 ** 20;

test('[5] 512 MiB are taken without a word, and more only with a yes that says how much', async () => {
  const asked: number[] = [];
  const room = new AskedRoom((sizeBytes) => {
    asked.push(sizeBytes / MiB);
    queueMicrotask(() => room.answer(true));
  });
  await room.take(512 * MiB);
  expect(asked).toEqual([]);
  await room.take(1);
  expect(asked).toEqual([1024]);
  await room.take(400 * MiB);
  expect(asked).toEqual([1024]);
  await room.take(3000 * MiB);
  expect(asked).toEqual([1024, 4096]);
});

test('[5] without a yes nothing more is read', async () => {
  const room = new AskedRoom(() => queueMicrotask(() => room.answer(false)));
  await expect(room.take(513 * MiB)).rejects.toMatchObject({ code: 'not-approved' });
});
