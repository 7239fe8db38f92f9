/** What the store's list of machines carries for the keeper, see `StoredMachine.details`. */
import type { MachineConfig } from '../../protocol/config.ts';
import type { RuntimeSource } from '../../protocol/keeper-api.ts';
import type { Store } from '../../store/types.ts';

/** Members are only ever added. */
export interface StoredDetails {
  /** With the contents of files that the user picked, unlike the one in a vmstate. */
  config: MachineConfig;
  runtime: RuntimeSource;
}

export function detailsOf(config: MachineConfig, runtime: RuntimeSource): StoredDetails {
  return { config, runtime };
}

/** The configuration that a machine was stored with. */
export async function storedConfig(store: Store, id: string): Promise<MachineConfig | undefined> {
  const machine = (await store.machines()).find((candidate) => candidate.id === id);
  return (machine?.details as Partial<StoredDetails> | undefined)?.config;
}
