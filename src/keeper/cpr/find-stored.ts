/** The checkpoint in storage that a vmstate of mode `reboot` names. */
import { HoldfastError } from '../../errors.ts';
import type { MachineStore, Store } from '../../store/types.ts';
import { xxh64 } from './digest.ts';
import type { DecodedVmstate } from './sections.ts';

/** The machine's storage, if it still is what the vmstate names. @throws as {@link requireStored} */
export async function findStored(named: DecodedVmstate, store: Store): Promise<MachineStore> {
  return store.open(await requireStored(named, store));
}

/**
 * @returns the id of the stored machine, whose newest checkpoint is what the vmstate names
 * @throws HoldfastError `wrong-machine` for a state whose RAM is not in storage, `not-found`
 */
export async function requireStored(
  { machine, checkpoint }: Pick<DecodedVmstate, 'machine' | 'checkpoint'>,
  store: Store,
): Promise<string> {
  if (!checkpoint) {
    throw new HoldfastError(
      'wrong-machine',
      `This is device state only: it was saved in mode "${machine.mode}", and its RAM stayed in the keeper that saved it.`,
    );
  }
  const { machineId, generation, manifestDigest } = checkpoint;
  // Opening the store fences off a keeper that runs the machine. So the generation is checked first.
  const [newest] = await (await store.peek(machineId)).generations();
  // A damaged generation is found by its restore, which then takes the one before.
  if (newest && newest.number !== generation) {
    throw new HoldfastError(
      'not-found',
      `This state refers to checkpoint ${generation}, but storage has ${newest.number}. The guest has run since it was saved, or the checkpoint was dropped as damaged.`,
    );
  }
  if (newest && (await digestOfManifest(newest.manifest)) !== manifestDigest) {
    throw new HoldfastError(
      'wrong-machine',
      `Checkpoint ${generation} in storage is not the one that this state was saved with.`,
    );
  }
  return machineId;
}

export async function digestOfManifest(bytes: Uint8Array): Promise<string> {
  const { h64Raw } = await xxh64();
  return `xxh64:${h64Raw(bytes).toString(16).padStart(16, '0')}`;
}
