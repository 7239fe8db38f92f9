import { expect, test } from 'vitest';
import type { Session } from '../session/session.ts';
import { showLost, showUnawareClone } from './guest-notices.ts';
import type { Notice, Notices } from './notices.tsx';

test('[S2] losses are reported when storage that could not be read is written again', async () => {
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
    machine: { storage: { usage } },
    status: { durability: { state: 'failing' } },
    onChange: (listener: () => void) => {
      changed = listener;
    },
  };
  await showLost(session as unknown as Session, notices, undefined);
  changed();
  expect(shown).toEqual([]);

  isReadable = true;
  session.status.durability.state = 'saved';
  changed();
  changed();
  await expect.poll(() => shown.length).toBe(1);
  expect(shown[0]?.title).toBe('The stored data of a machine is gone');
});

test('[F5] the page says from when an older state of a machine resumes', async () => {
  const shown: Notice[] = [];
  const notices = { show: (_: string, notice: Notice) => shown.push(notice) } as unknown as Notices;
  const foundAtMs = Date.now() + 1000;
  const lost = [{ id: 'default', name: 'Linux', takenAtMs: 9000, leftAtMs: 7000, foundAtMs }];
  const usage = async () => ({ usedBytes: 0, quotaBytes: 0, persisted: false, lost });
  const session = { machineId: 'default', machine: { storage: { usage } } };
  await showLost(session as unknown as Session, notices, undefined);
  expect(shown[0]?.title).toBe('The newest state of a machine is gone');
  expect(shown[0]?.text).toContain('“Linux” resumes from');
  expect(shown[0]?.text).toContain('2 s before');
});

test('[N3] a copy without an agent is reported to the page that opened it, once', () => {
  const shown: Notice[] = [];
  const notices = {
    show: (_: string, notice: Notice) => shown.push(notice),
    remove: () => {},
  } as unknown as Notices;
  let status = (_: unknown) => {};
  const machine = {
    on: (_: string, listener: typeof status) => {
      status = listener;
    },
  };
  const session = {
    onMachine: (listener: (connected: unknown) => void) => listener(machine),
  } as unknown as Session;
  showUnawareClone(session, notices);
  const say = (startSource: object) => status({ status: { startSource } });
  const now = performance.timeOrigin;
  say({ kind: 'booted' });
  say({ kind: 'opened', openedAtMs: now + 1 });
  say({ kind: 'opened', openedAtMs: now - 1, isUnawareClone: true });
  expect(shown).toEqual([]);
  for (let i = 0; i < 2; i++) say({ kind: 'opened', openedAtMs: now + 1, isUnawareClone: true });
  say({ kind: 'resumed', resumedAtMs: now + 2, isUnawareClone: true });
  expect(shown.map(({ text }) => text)).toEqual(
    Array(2).fill(expect.stringMatching(/same random numbers/)),
  );
});
