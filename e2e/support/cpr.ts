/** cprSave and cprLoad of a guest in a page, and the run states that it has meanwhile. */
import type {
  CprLoadOptions,
  CprMode,
  CprSaveReport,
  CprSource,
  CprTarget,
  RuntimeSource,
} from '../../src/index.ts';
import { expect, type Guest, inspectPattern, waitForPasses } from './test.ts';

interface SaveArguments {
  mode: CprMode;
  runtime?: RuntimeSource;
  target?: CprTarget;
}

export const save = (guest: Guest, { mode, runtime, target = { kind: 'bytes' } }: SaveArguments) =>
  guest.machine((machine, [to, options]) => machine.cprSave(to, options), [
    target,
    { mode, ...(runtime && { runtime }) },
  ] as const);

export const loadFrom = (guest: Guest, source: CprSource, options: CprLoadOptions = {}) =>
  guest.machine((machine, [from, how]) => machine.cprLoad(from, how), [source, options] as const);

export const load = (
  guest: Guest,
  { bytes = new Uint8Array() }: CprSaveReport,
  options?: CprLoadOptions,
) => loadFrom(guest, { kind: 'bytes', bytes }, options);

export const call = (
  guest: Guest,
  name: 'pause' | 'resume' | 'suspend' | 'wakeup' | 'cprCancel' | 'destroy',
) => guest.machine((machine, method) => machine[method](), name);

export const runstateOf = async (guest: Guest) => (await guest.status()).runstate;

/** Run states of a machine when it is saved. */
export const enterRunstate = {
  running: async () => {},
  paused: (guest: Guest) => call(guest, 'pause'),
  suspended: (guest: Guest) => call(guest, 'suspend'),
} as const;
export type SavedRunstate = keyof typeof enterRunstate;
export const savedRunstates = Object.keys(enterRunstate) as SavedRunstate[];

/**
 * Checks that the pattern guest has its previous run state, that its memory is right, and that it can
 * run.
 */
export async function expectSavedRunstate(
  guest: Guest,
  inPage: string,
  savedRunstate: SavedRunstate,
): Promise<void> {
  expect(await runstateOf(guest)).toBe(savedRunstate);
  if (savedRunstate === 'running') {
    await waitForPasses(guest, 1);
    await call(guest, 'pause');
  }
  const still = await inspectPattern(guest, inPage);
  expect(still).toMatchObject({ ok: true });
  if (savedRunstate !== 'running') expect(await inspectPattern(guest, inPage)).toEqual(still);
  await call(guest, savedRunstate === 'suspended' ? 'wakeup' : 'resume');
  await waitForPasses(guest, 1);
}
