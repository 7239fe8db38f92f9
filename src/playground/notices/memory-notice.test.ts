import { expect, test } from 'vitest';
import type { MachineStatus } from '../../protocol/events.ts';
import { memoryNotice } from './memory-notice.ts';

const status = (runstate: string, code?: string) =>
  ({
    runstate,
    memory: {
      loadedBytes: 1,
      totalBytes: 2,
      isWaiting: true,
      waits: 1,
      waitedMs: 10,
      ...(code && { error: { code, message: 'The server is gone.' } }),
    },
  }) as unknown as MachineStatus;

test('a guest whose memory does not arrive has a notice that says why', () => {
  expect(memoryNotice(status('postcopy-paused', 'state-unavailable'))).toMatchObject({
    text: expect.stringContaining('does not answer'),
    detail: 'The server is gone.',
  });
  expect(memoryNotice(status('postcopy-paused', 'state-changed'))?.text).toContain('another one');
});

test('a guest that runs while its memory arrives has none', () => {
  expect(memoryNotice(status('running'))).toBeUndefined();
  expect(memoryNotice(status('running', 'state-unavailable'))).toBeUndefined();
});
