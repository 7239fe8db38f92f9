/** Commands to the machine that change the session, or take several calls. */
import type { RuntimeBuild } from 'virtual:holdfast-build';
import type { OpenStateOptions, WatchListener } from '../../client/types.ts';
import type { StateFile } from '../../index.ts';
import type { DriveName, MachineConfig } from '../../protocol/config.ts';
import type { CprSource, CprTarget } from '../../protocol/cpr.ts';
import type { CprLoadReport, CprSaveOptions, CprSaveReport } from '../../protocol/keeper-api.ts';
import type { ImportReport } from '../../protocol/state-transfer.ts';
import type { ResumeReport, ResumeRequest, StoredMachineInfo } from '../../protocol/stored.ts';
import { runtimeSource } from '../ui/runtime-source.ts';
import type { Session } from './session.ts';

/**
 * Boots a guest.
 * @param replace discards the present guest
 */
export const startGuest = (
  session: Session,
  config: MachineConfig,
  runtime: RuntimeBuild,
  replace: boolean,
): Promise<void> =>
  session.run('start', async (machine) => {
    await machine.start(config, runtimeSource(runtime), { replace });
    session.setGuestSource('booted');
  });

/** Starts a guest from a state file of this site, in place of booting it. */
export const openPromptState = (
  session: Session,
  url: string,
  config: OpenStateOptions['config'],
  runtime: RuntimeBuild,
): Promise<void> =>
  session.run('start', async (machine) => {
    machine.unwatch();
    await machine.openState(url, {
      runtime: runtimeSource(runtime),
      config: { foreign: false, ...config },
    });
    session.setGuestSource('booted');
  });

/** Starts a guest from a state, in place of any other. */
export const openState = (
  session: Session,
  file: StateFile,
  options: OpenStateOptions,
): Promise<ImportReport> =>
  session.run('open-state', async (machine) => {
    const report = await machine.openState(file, options);
    session.setGuestSource('opened');
    return report;
  });

/** Resumes the stored guest of this page's machine. */
export const resumeStored = (
  session: Session,
  runtime: RuntimeBuild,
  { takeOver = false, replace = false, files = {} }: Omit<ResumeRequest, 'id' | 'runtime'> = {},
): Promise<ResumeReport> =>
  session.run('resume-stored', async (machine) => {
    machine.unwatch();
    const options = { runtime: runtimeSource(runtime), takeOver, replace, files };
    const report = await machine.resumeStored(session.machineId, options);
    session.setGuestSource('resumed');
    return report;
  });

/** Shows this page's machine while it runs in another tab. */
export const watchMachine = (session: Session, listener: WatchListener): Promise<void> =>
  session.run('watch', async (machine) => {
    await machine.watch(session.machineId, listener);
    session.setGuestSource('watching');
  });

/** Discards what the guest wrote to these disks, and boots it from their original contents. */
export const resetDisks = (session: Session, devices: readonly DriveName[]): Promise<void> =>
  session.run('reset', async (machine) => {
    const { runstate = '' } = machine.status ?? {};
    const wasRunning = ['running', 'postcopy-paused'].includes(runstate);
    if (wasRunning) await machine.pause();
    try {
      for (const device of devices) await machine.resetDisk(device);
      await machine.reset();
    } finally {
      if (wasRunning) await machine.resume();
    }
  });

export const cprSave = (
  session: Session,
  target: CprTarget,
  options: CprSaveOptions,
): Promise<CprSaveReport> =>
  session.run('save-state', async (machine) => {
    const report = await machine.cprSave(target, options);
    session.savedAway(report.mode === 'reboot');
    return report;
  });

/** @param replace discards the present guest once the other one is loaded */
export const cprLoad = (
  session: Session,
  source: CprSource,
  { replace = false } = {},
): Promise<CprLoadReport> =>
  session.run('load-state', async (machine) => {
    const report = await machine.cprLoad(source, { replace });
    session.savedAway(false);
    return report;
  });

/** @throws HoldfastError `storage-unavailable`, or `keeper-incompatible` from an early keeper */
export const storedMachines = async ({
  machine,
}: Pick<Session, 'machine'>): Promise<StoredMachineInfo[]> => (await machine?.storage.list()) ?? [];
