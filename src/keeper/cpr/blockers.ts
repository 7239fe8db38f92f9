import { HoldfastError } from '../../errors.ts';
import type { Blocker, CprMode } from '../../protocol/cpr.ts';
import type { GuestParts } from './guest-parts.ts';
import type { OpenStore } from './targets.ts';

/** Returns why the keeper or the active runtime would refuse cprSave now. */
export async function cprBlockers(
  mode: CprMode,
  { execution, openStore }: Pick<GuestParts, 'execution' | 'openStore'>,
): Promise<Blocker[]> {
  const blockers: Blocker[] = [];
  const instance = execution.activeRuntime?.instance;
  if (mode === 'reboot') {
    const storage = await volatileRam(openStore);
    if (storage) blockers.push(storage);
    if (instance && !instance.guestMemory) blockers.push(unknownMemory(execution.source.id));
  }
  // Only the loader of a `reboot` state opens the disks again, so only then their state matters.
  if (mode === 'reboot') await instance?.commands.checkDisks?.();
  blockers.push(...(instance?.blockers?.(mode) ?? []));
  return blockers;
}

/** Returns the blocker for a runtime that is older than checkpoints. */
export function unknownMemory(runtimeId: string): Blocker {
  return {
    code: 'device-cannot-follow',
    message: `Runtime ${runtimeId} cannot say which memory is the guest's, so it cannot be stored. Hand the guest to a newer runtime first, by a live update.`,
  };
}

/** @throws HoldfastError `blocked`, with the sentences of all blockers */
export async function refuseIfBlocked(mode: CprMode, machine: GuestParts): Promise<void> {
  const blockers = await cprBlockers(mode, machine);
  if (blockers.length > 0) throw blocked(`The machine cannot be saved in mode "${mode}"`, blockers);
}

/**
 * For a machine that must never have blockers.
 * @throws HoldfastError `blocked`
 */
export async function refuseIfEverBlocked(machine: GuestParts): Promise<void> {
  for (const mode of ['restart', 'reboot'] as const) {
    const blockers = await cprBlockers(mode, machine);
    if (blockers.length === 0) continue;
    throw blocked(
      `"onlyCprCapable" refuses this configuration, mode "${mode}" would be blocked`,
      blockers,
    );
  }
}

function blocked(what: string, blockers: readonly Blocker[]): HoldfastError {
  const sentences = blockers.map(({ message, device }) =>
    device ? `${device}: ${message}` : message,
  );
  return new HoldfastError('blocked', `${what}: ${sentences.join(' ')}`);
}

async function volatileRam(openStore: OpenStore | undefined): Promise<Blocker | undefined> {
  const code = 'volatile-ram';
  if (!openStore) {
    const message = 'RAM would be lost: this keeper has no persistent storage. Use mode "restart".';
    return { code, message };
  }
  try {
    await openStore();
    return undefined;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return { code, message: `RAM would be lost: ${reason} Use mode "restart", or allow storage.` };
  }
}
