import { expect, test } from 'vitest';
import { AskedRoom } from './asked-room.ts';

const MiB = 2 ** 20;

test('[5] 256 MiB are taken without a word, and more only with a yes that says how much', async () => {
  const asked: number[] = [];
  const room = new AskedRoom((sizeBytes) => {
    asked.push(sizeBytes / MiB);
    queueMicrotask(() => room.answer(true));
  });
  await room.take(256 * MiB);
  expect(asked).toEqual([]);
  await room.take(1);
  expect(asked).toEqual([512]);
  await room.take(200 * MiB);
  expect(asked).toEqual([512]);
  await room.take(3000 * MiB);
  expect(asked).toEqual([512, 4096]);
});

test('[5] without a yes nothing more is read', async () => {
  const room = new AskedRoom(() => queueMicrotask(() => room.answer(false)));
  await expect(room.take(257 * MiB)).rejects.toMatchObject({ code: 'not-approved' });
});
