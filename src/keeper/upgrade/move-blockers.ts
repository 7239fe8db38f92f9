import type { Blocker } from '../../protocol/cpr.ts';
import type { MachineHost } from '../machine/machine-host.ts';

/** Whether the guest has crashed or powered off: a migration takes only one that can run. */
export const hasEnded = ({ execution }: Pick<MachineHost, 'execution'>): boolean =>
  execution.runstate === 'shutdown' || execution.runstate === 'internal-error';

const guestEnded: Blocker = {
  code: 'guest-ended',
  message: 'The guest has crashed or powered off. Its screen and memory would be lost.',
};

/** It is made by this keeper, which ends after the move. */
export const exportRuns: Blocker = {
  code: 'operation-in-flight',
  message: 'An export is under way. Wait for its end.',
};

/**
 * Returns what would not follow the guest to another keeper.
 * @param isRelayed the other keeper relays frames of connections that are open
 */
export async function moveBlockers(
  machine: MachineHost,
  { isRelayed }: { isRelayed: boolean },
): Promise<Blocker[]> {
  if (hasEnded(machine)) return [guestEnded];
  const { operations, execution, durability } = machine;
  const blockers = await operations.cprBlockers('restart');
  // The disks follow, and everything in memory. The far ends of connections are in this worker.
  const cut = isRelayed ? [] : (execution.activeRuntime?.instance.blockers?.('reboot') ?? []);
  const ofNetwork = cut.filter(({ code }) => code === 'network-cannot-follow');
  const { length } = await operations.snapshots();
  return [
    ...blockers,
    ...(durability.isExporting ? [exportRuns] : []),
    ...ofNetwork,
    ...(length > 0 ? [snapshotsStay(length)] : []),
  ];
}

function snapshotsStay(count: number): Blocker {
  const what = count === 1 ? '1 snapshot' : `${count} snapshots`;
  return {
    code: 'snapshots-cannot-follow',
    message: `${what} in the memory of this keeper would be lost. Save a state or a file to keep one.`,
  };
}
