/** Kills of whole browsers while a guest moves between them. Many more: npm run test:crash. */
import { randomSource } from '../../src/vmstate/testing/mutate.ts';
import { MigrateRounds } from '../crash/migrate/rounds.ts';
import { test } from '../support/test.ts';

const rounds = 5;

test(`[MI9] [MI16] ${rounds} moves between two browsers, of which one is killed or a step fails: one life stays`, {
  tag: '@slow',
}, async () => {
  test.setTimeout(300_000);
  const migrations = new MigrateRounds();
  // A seed with kills of both ends, and failures.
  const below = randomSource(17);
  try {
    for (let round = 0; round < rounds; round++) await migrations.round(below);
  } finally {
    await migrations.close();
  }
});
