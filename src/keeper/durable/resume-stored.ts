import { CprError } from '../../errors.ts';
import type { ResumeRequest } from '../../protocol/stored.ts';
import { requireContents } from '../cpr/incoming-request.ts';
import { type StoredDetails, withFiles } from '../cpr/stored-details.ts';
import { type Restoring, restoreMemory } from '../cpr/stored-guest.ts';
import { storeOf } from '../cpr/targets.ts';
import { type MachineEnvironment, MachineHost } from '../machine-host.ts';
import { untilAborted } from '../until-aborted.ts';

/**
 * Makes a machine of what is in storage under this id.
 * @throws CprError `not-found`, `storage-damaged`, `file-needed`, or what starting a machine throws
 */
export async function resumeStored(
  { id, runtime, files }: Omit<ResumeRequest, 'takeOver'>,
  environment: MachineEnvironment,
  signal: AbortSignal,
): Promise<{ machine: MachineHost; takenAtMs: number; fellBack?: string }> {
  const store = await storeOf(environment.openStore);
  const listed = store.machines();
  // In line behind the list. It fences off others, which is no loss: this keeper has the machine's lock.
  const opening = store.open(id);
  opening.catch(() => {});
  const stored = (await listed).find((machine) => machine.id === id);
  const details = (stored?.details ?? {}) as Partial<StoredDetails>;
  if (!stored || !details.config) {
    throw new CprError('not-found', `No machine "${id}" is in storage.`);
  }
  const config = withFiles({ ...details, config: details.config }, files);
  requireContents(config);
  const identity = { id, name: stored.name };
  const request = { config: { ...config, ...identity }, runtime, incoming: true };
  // Most of the time goes into making the runtime ready: memory is filled beside that.
  let restoring: Promise<Restoring> | undefined;
  const beginRestoring = (machine: MachineHost) => {
    restoring = opening.then((opened) => {
      const memory = restoreMemory(machine, opened);
      // Whoever awaits it hears of a failure; it may come before anybody does.
      memory.catch(() => {});
      return { store: opened, restoring: memory };
    });
    restoring.catch(() => {});
  };
  const machine = await MachineHost.start(request, environment, signal, beginRestoring);
  try {
    const resume = async () =>
      machine.operations.resumeStored((await restoring) as Restoring, identity);
    return { machine, ...(await untilAborted(resume(), signal)) };
  } catch (thrown) {
    machine.end();
    throw thrown;
  }
}
