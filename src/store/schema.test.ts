import { expect, test } from 'vitest';
import { schemaVersion, upgrades } from './schema.ts';

test('upgrades have no gap and end at the version of the schema', () => {
  expect(upgrades.map(({ to }) => to)).toEqual(upgrades.map((_, index) => index + 1));
  expect(upgrades.at(-1)?.to).toBe(schemaVersion);
});
