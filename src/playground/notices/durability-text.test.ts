import { expect, test } from 'vitest';
import { durabilityDetail, durabilityText, startSourceText } from './durability-text.ts';

test('the state line says how old the last checkpoint is', () => {
  const at = (state: 'saved' | 'failing' | 'off') =>
    durabilityText({ state, takenAtMs: 1000 }, 4000);
  expect(at('saved')).toBe('3 s ago');
  expect(at('failing')).toBe('failing since 3 s ago');
  expect(at('off')).toBe('off since 3 s ago');
});

test('without a checkpoint it reports that', () => {
  expect(durabilityText(undefined, 0)).toBe('not saved');
  expect(durabilityText({ state: 'none' }, 0)).toBe('not yet');
  expect(durabilityText({ state: 'off' }, 0)).toBe('off');
  expect(durabilityText({ state: 'failing' }, 0)).toBe('failing');
});

test('the details are those of the last checkpoint, or of what went wrong', () => {
  expect(durabilityDetail(undefined)).toBe('');
  expect(durabilityDetail({ state: 'saved', writtenBytes: 2048, pauseMs: 3.14 })).toBe(
    'The last checkpoint wrote 2 KiB; the guest stood still for 3.1 ms',
  );
  const error = { code: 'storage-full', message: 'Full.' } as const;
  expect(durabilityDetail({ state: 'failing', error })).toBe('Full.');
});

test('without checkpoints it reports what a crash loses', () => {
  expect(durabilityDetail({ state: 'off' })).toContain('the guest is gone');
  expect(durabilityDetail({ state: 'off', takenAtMs: 1 })).toContain('at the last checkpoint');
});

test('a guest that was resumed says from how long before', () => {
  expect(startSourceText({ kind: 'resumed', takenAtMs: 1000, resumedAtMs: 63_000 })).toBe(
    'resumed from a checkpoint of 1 min 02 s before',
  );
  expect(
    startSourceText({ kind: 'opened', takenAtMs: 1000, openedAtMs: 63_000, identity: 'clone' }),
  ).toBe('opened from a state that was 1 min 02 s old');
  expect(startSourceText({ kind: 'booted' })).toBeNull();
  expect(startSourceText(undefined)).toBeNull();
});
