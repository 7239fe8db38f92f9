import { expect, test } from 'vitest';
import { MoreQuestion } from './more-question.ts';
import type { StateWorker } from './worker-client.ts';

/** Records the messages to and from a worker. */
function worker() {
  const answers: unknown[] = [];
  let listener = (_: { type: 'more'; sizeBytes: number }) => {};
  const port = {
    on: (_: string, added: typeof listener) => {
      listener = added;
    },
    post: ({ isAllowed }: { isAllowed: boolean }) => answers.push(isAllowed),
  } as unknown as Pick<StateWorker, 'on' | 'post'>;
  return { port, answers, ask: (sizeBytes: number) => listener({ type: 'more', sizeBytes }) };
}

test('[5] what a state asks for while its head is still asked about is not lost', async () => {
  const { port, answers, ask } = worker();
  const question = new MoreQuestion(port);
  ask(512);
  expect(answers).toEqual([]);
  const asked: number[] = [];
  question.answerBy((sizeBytes) => asked.push(sizeBytes) > 0);
  await expect.poll(() => answers).toEqual([true]);
  ask(1024);
  await expect.poll(() => answers).toEqual([true, true]);
  expect(asked).toEqual([512, 1024]);
});

test('[5] who fails to answer has not agreed', async () => {
  const { port, answers, ask } = worker();
  new MoreQuestion(port).answerBy(() => {
    throw new Error('no');
  });
  ask(512);
  await expect.poll(() => answers).toEqual([false]);
});
