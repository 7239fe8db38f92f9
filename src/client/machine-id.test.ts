import { expect, test } from 'vitest';
import { isMachineId } from './machine-id.ts';

test.each(['', '-a', 'A', 'a/b', '..', 'a'.repeat(65), 'é'])('%j is no id', (id) => {
  expect(isMachineId(id)).toBe(false);
});

test.each(['default', '0', 'a'.repeat(64)])('%j is an id', (id) => {
  expect(isMachineId(id)).toBe(true);
});
