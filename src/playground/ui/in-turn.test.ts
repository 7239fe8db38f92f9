import { expect, test } from 'vitest';
import { inTurn } from './in-turn.ts';

test('[15] a question waits for the answer to the one before', async () => {
  const shown: string[] = [];
  const answers = new Map<string, { yes(answer: boolean): void; fail(error: Error): void }>();
  const turn = inTurn();
  const ask = (name: string) =>
    turn(() => {
      shown.push(name);
      return new Promise<boolean>((yes, fail) => answers.set(name, { yes, fail }));
    });
  const [first, second, third] = [ask('network'), ask('memory'), ask('link')];
  await expect.poll(() => shown).toEqual(['network']);
  answers.get('network')?.yes(false);
  expect(await first).toBe(false);
  await expect.poll(() => shown).toEqual(['network', 'memory']);
  answers.get('memory')?.fail(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  await expect.poll(() => shown).toEqual(['network', 'memory', 'link']);
  answers.get('link')?.yes(true);
  expect(await third).toBe(true);
});
