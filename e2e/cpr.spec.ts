import type { CprSaveReport, CprTarget, RuntimeSource } from '../src/index.ts';
import { expect, type Guest, test } from './test.ts';

const toBytes: CprTarget = { kind: 'bytes' };

const saveForRestart = (guest: Guest, runtime: RuntimeSource, target = toBytes) =>
  guest.machine((machine, [to, options]) => machine.cprSave(to, options), [
    target,
    { mode: 'restart', runtime },
  ] as const);

const load = (guest: Guest, report: CprSaveReport, runtime?: RuntimeSource) =>
  guest.machine((machine, [bytes, options]) => machine.cprLoad({ kind: 'bytes', bytes }, options), [
    report.bytes ?? new Uint8Array(),
    runtime ? { runtime } : {},
  ] as const);

const runstateOf = async (guest: Guest) => (await guest.status()).runstate;

test.describe('mode restart', () => {
  test('a Linux shell with its variables goes on in the other runtime', async ({
    guest,
    runtimes,
  }) => {
    await guest.run('kept="a shell variable"; echo file >/tmp/file');
    const saved = await saveForRestart(guest, runtimes.older);
    expect(saved).toMatchObject({ mode: 'restart', runstate: 'running' });
    expect(await runstateOf(guest)).toBe('inmigrate');
    const loaded = await load(guest, saved);
    expect(loaded).toMatchObject({ runstate: 'running', v86Version: runtimes.older.v86Version });
    expect((await guest.run('echo "$kept"; cat /tmp/file')).output).toBe(
      'a shell variable\nfile\n',
    );
  });
});
