import { expect, test, vi } from 'vitest';
import type { Session } from '../session/session.ts';
import { wakerOf } from './waker.ts';

function sessionWith(runstate: string, busy: string | null) {
  let changed = () => {};
  const session = {
    status: { runstate },
    busy,
    send: vi.fn(),
    onChange: (listener: () => void) => {
      changed = listener;
    },
  };
  const wake = wakerOf(session as unknown as Session);
  const becomes = (what: Partial<typeof session>) => {
    Object.assign(session, what);
    changed();
  };
  return { session, wake, becomes };
}

test('a touch wakes a suspended guest, and does nothing to one that runs', () => {
  for (const [runstate, times] of [
    ['suspended', 1],
    ['running', 0],
  ] as const) {
    const { session, wake } = sessionWith(runstate, null);
    wake();
    expect(session.send).toHaveBeenCalledTimes(times);
  }
});

test('a touch while its suspension is not quite done wakes it then, once', () => {
  const { session, wake, becomes } = sessionWith('suspended', 'suspend');
  wake();
  expect(session.send).not.toHaveBeenCalled();
  becomes({ busy: null });
  becomes({});
  expect(session.send).toHaveBeenCalledTimes(1);
});

test('a guest that runs by then is left alone', () => {
  const { session, wake, becomes } = sessionWith('suspended', 'suspend');
  wake();
  becomes({ busy: null, status: { runstate: 'running' } });
  becomes({ status: { runstate: 'suspended' } });
  expect(session.send).not.toHaveBeenCalled();
});
