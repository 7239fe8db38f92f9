import { HoldfastError } from '../../errors.ts';
import type { ResumeRequest } from '../../protocol/stored.ts';
import type { MachineStore, Store, StoredReading } from '../../store/types.ts';
import { requireContents } from '../cpr/incoming-request.ts';
import { type Restoring, restoreMemory } from '../cpr/restore-guest.ts';
import { ofOwnLineage, type StoredDetails, withFiles } from '../cpr/stored-details.ts';
import { storeOf } from '../cpr/targets.ts';
import { abortable } from '../runtimes/abortable.ts';
import { type MachineEnvironment, MachineHost } from './machine-host.ts';

/**
 * Creates a machine from the one in storage under this id.
 * @throws HoldfastError `not-found`, `storage-damaged`, `file-needed`, `migrated` for a guest that was
 * handed over, or errors of starting a machine
 */
export async function startStored(
  { id, runtime, files, takeOver = false }: ResumeRequest,
  environment: MachineEnvironment,
  signal: AbortSignal,
): Promise<{ machine: MachineHost; takenAtMs: number; fellBack?: string }> {
  const store = await storeOf(environment.openStore);
  const stored = await store.read(id);
  const details = (stored.machine.details ?? {}) as Partial<StoredDetails>;
  if (!details.config) throw new HoldfastError('not-found', `No machine "${id}" is in storage.`);
  if (details.movedAtMs !== undefined && !takeOver) throw movedAway(details.movedAtMs);
  const config = ofOwnLineage(withFiles({ ...details, config: details.config }, files), id);
  requireContents(config);
  const identity = { id, name: stored.machine.name };
  const request = { config: { ...config, ...identity }, runtime, incoming: true };
  // Most of the time goes into preparing the runtime: memory is filled in parallel.
  let restoring: Restoring | undefined;
  const beginRestoring = (machine: MachineHost) => {
    const source = {
      readableGenerations: async () => stored,
      readRecords: stored.readRecords,
    };
    const memory = restoreMemory(machine, source);
    // Opening it writes to the store, and reads would wait for that.
    const opened = memory.then(() => openAsRead(store, stored));
    // The awaiting code handles a failure, which may come before it awaits.
    for (const promise of [memory, opened]) promise.catch(() => {});
    restoring = { store: opened, restoring: memory };
  };
  const machine = await MachineHost.start(request, environment, signal, beginRestoring);
  try {
    const resume = async () => machine.operations.resumeStored(restoring as Restoring, identity);
    return { machine, ...(await abortable(resume(), signal)) };
  } catch (thrown) {
    machine.end();
    throw thrown;
  }
}

function movedAway(atMs: number): HoldfastError {
  return new HoldfastError(
    'migrated',
    `This guest was handed over to another browser at ${new Date(atMs).toISOString()}, and runs there. Take it over here only if it does not.`,
  );
}

/**
 * @throws HoldfastError `taken-over` if another keeper has written to the machine since it was read
 */
async function openAsRead(store: Store, { machine }: StoredReading): Promise<MachineStore> {
  const opened = await store.open(machine.id);
  const now = await store.read(machine.id);
  if (now.machine.generation === machine.generation) return opened;
  throw new HoldfastError(
    'taken-over',
    `“${machine.name}” ran in another tab or window while it was restored here.`,
  );
}
