import { expect, test } from 'vitest';
import { tellLost } from './guest-notices.ts';
import type { Notice, Notices } from './notices.ts';
import type { Session } from './session.ts';

test('[S2] what is gone is told when storage that could not be read is written again', async () => {
  const shown: Notice[] = [];
  const notices = { show: (_: string, notice: Notice) => shown.push(notice) } as unknown as Notices;
  let isReadable = false;
  let changed = () => {};
  const usage = async () => {
    if (!isReadable) throw new Error('The disk fails.');
    return {
      usedBytes: 0,
      quotaBytes: 0,
      persisted: false,
      lost: [{ id: 'default', name: 'Linux', takenAtMs: 1, foundAtMs: Date.now() + 1000 }],
    };
  };
  const session = {
    machineId: 'default',
    machine: { shelf: { usage } },
    status: { durability: { state: 'failing' } },
    onChange: (listener: () => void) => {
      changed = listener;
    },
  };
  await tellLost(session as unknown as Session, notices, undefined);
  changed();
  expect(shown).toEqual([]);

  isReadable = true;
  session.status.durability.state = 'saved';
  changed();
  changed();
  await expect.poll(() => shown.length).toBe(1);
  expect(shown[0]?.title).toBe('What was stored of a machine is gone');
});
