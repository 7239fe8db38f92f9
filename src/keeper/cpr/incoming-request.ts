import { CprError } from '../../errors.ts';
import { driveNames, type MachineConfig } from '../../protocol/config.ts';
import type { CprSource } from '../../protocol/cpr.ts';
import type { CprLoadOptions, StartRequest } from '../../protocol/keeper-api.ts';
import { xxh64 } from './digest.ts';
import { decomposeVmstate } from './sections.ts';
import { storedConfig } from './stored-details.ts';
import { type OpenStore, readSource, storeOf } from './targets.ts';

/**
 * How to start the machine that a stored state needs: as it was stored, or else as the vmstate says.
 * @throws CprError `bad-vmstate`; `wrong-machine` for a state whose RAM is not in storage;
 * `bad-config` when it was made of files that only the page had.
 */
export async function incomingRequest(
  source: CprSource,
  { runtime }: CprLoadOptions,
  openStore: OpenStore | undefined,
): Promise<{ bytes: Uint8Array; request: StartRequest; machineId: string }> {
  const bytes = await readSource(source, openStore);
  const { h64Raw } = await xxh64();
  const { machine, checkpoint } = decomposeVmstate(bytes, h64Raw);
  if (!checkpoint) {
    throw new CprError(
      'wrong-machine',
      'This is device state only: it was saved in mode "restart", and its RAM is in no keeper now.',
    );
  }
  const store = await storeOf(openStore);
  const { machineId } = checkpoint;
  const config = (await storedConfig(store, machineId)) ?? machine.config;
  requireContents(config);
  const request = { config, runtime: runtime ?? machine.runtime, incoming: true };
  return { bytes, request, machineId };
}

/**
 * A vmstate names files, but holds none.
 * @throws CprError `bad-config`
 */
export function requireContents(config: MachineConfig): void {
  for (const name of ['bios', 'vgaBios', 'bzImage', 'initrd', ...driveNames] as const) {
    const source = config[name];
    if (!source) continue;
    const { bytes, file } = source as { bytes?: unknown; file?: unknown };
    const isGone =
      ('bytes' in source && !(bytes instanceof Uint8Array && bytes.length > 0)) ||
      ('file' in source && !(file instanceof Blob && file.size > 0));
    if (!isGone) continue;
    throw new CprError(
      'bad-config',
      `"${name}" of this machine was a file that is not stored. Start a machine with it, with "incoming", and load the state into that.`,
    );
  }
}
