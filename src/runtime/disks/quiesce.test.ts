import { expect, test } from 'vitest';
import { quiesce } from './quiesce.ts';

test('a guest that waits for nothing can be saved now', async () => {
  await quiesce(undefined, 0);
});

test('a guest that boots again is saved once it has what it boots from', async () => {
  let arrive = () => {};
  const waiting = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let isQuiet = false;
  const quiet = quiesce(waiting).then(() => {
    isQuiet = true;
  });
  await Promise.resolve();
  expect(isQuiet).toBe(false);
  arrive();
  await quiet;
});

test('missing firmware is a typed error, and not waited for without end', async () => {
  await expect(quiesce(new Promise(() => {}), 1)).rejects.toMatchObject({ code: 'blocked' });
});
