import { expect, test } from 'vitest';
import { errorText } from '../playground/notices/error-text.ts';
import { isDiskFailure, storageError } from './storage-error.ts';

const codeOf = (name: string, message: string, access?: 'read' | 'write') =>
  storageError(new DOMException(message, name), 'store the machine', access).code;

/** Messages of Chromium 156 on a disk without room, verbatim. */
const fullDisk = [
  ['DataError', 'Failed to write blobs (IOError)'],
  [
    'UnknownError',
    'Connection is closing because of: IO error: .../000003.log: FILE_ERROR_NO_SPACE (ChromeMethodBFE: 3::WritableFileAppend::8)',
  ],
  ['QuotaExceededError', 'Encountered full disk while opening backing store for indexedDB.open.'],
  ['UnknownError', 'Unknown error occured while creating a bucket.'],
  ['UnknownError', 'Internal error opening backing store for indexedDB.open.'],
] as const;

for (const [name, message] of fullDisk) {
  test(`[S3] a full disk is not called damage or private browsing: ${message}`, () => {
    for (const access of ['read', 'write', undefined] as const)
      expect(codeOf(name, message, access)).toBe('storage-failing');
    expect(isDiskFailure(new DOMException(message, name))).toBe(true);
  });
}

test('[S3] [F1] only a read finds damage: a write that fails damages nothing', () => {
  for (const name of ['DataError', 'NotReadableError']) {
    expect(codeOf(name, 'Something failed', 'read')).toBe('storage-damaged');
    expect(codeOf(name, 'Something failed', 'write')).toBe('storage-failing');
  }
});

test('[S3] a quota that is used up is told apart from a full disk', () => {
  expect(codeOf('QuotaExceededError', '', 'write')).toBe('storage-full');
  expect(isDiskFailure(new DOMException('', 'QuotaExceededError'))).toBe(false);
});

test('[S3] a failing disk offers nothing that deletes', () => {
  const { advice, actions } = errorText({ code: 'storage-failing' }, 'storage');
  expect(actions).toEqual(['try-again']);
  expect(advice).not.toMatch(/delete|fresh/i);
});
