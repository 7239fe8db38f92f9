import { HoldfastError } from '../../errors.ts';
import { driveNames, type MachineConfig } from '../../protocol/config.ts';
import type { CprSource } from '../../protocol/cpr.ts';
import type { CprLoadOptions, StartRequest } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { acceptRuntime, isOfSite } from '../runtimes/accept-runtime.ts';
import { xxh64 } from './digest.ts';
import { requireStored } from './find-stored.ts';
import { decomposeVmstate } from './sections.ts';
import { storedDetails } from './stored-details.ts';
import { type OpenStore, readSource, storeOf } from './targets.ts';

/**
 * Returns the request to start the machine of a stored state, as it was stored. Only the name of
 * the stored machine is taken from the vmstate, not its configuration or runtime.
 * @param keeperUrl of the keeper's own script; absent in tests
 * @throws HoldfastError `bad-vmstate`; `wrong-machine` for a state without its RAM; `not-found` if
 * its machine is not in storage; `runtime-unavailable` if no runtime is named for it; `bad-config`
 * if it was made of files that only the page had.
 */
export async function incomingRequest(
  source: CprSource,
  { runtime, runtimes }: CprLoadOptions,
  openStore: OpenStore | undefined,
  keeperUrl?: string,
): Promise<{ bytes: Uint8Array; request: StartRequest; machineId: string }> {
  const bytes = await readSource(source, openStore);
  const { h64Raw } = await xxh64();
  const { machine, checkpoint } = decomposeVmstate(bytes, h64Raw);
  const store = await storeOf(openStore);
  const machineId = await requireStored({ machine, ...(checkpoint && { checkpoint }) }, store);
  const stored = await storedDetails(store, machineId);
  if (!stored) {
    throw new HoldfastError(
      'not-found',
      'The machine that this state belongs to is not in the storage of this browser. Load the state where it was saved.',
    );
  }
  if (!stored.config) {
    requireContents(machine.config);
    throw new HoldfastError(
      'wrong-machine',
      'The storage does not say how this machine was started. Start it as it was, with "incoming", and load the state into that.',
    );
  }
  requireContents(stored.config);
  const request = {
    config: stored.config,
    runtime: runtime ?? ofBuild(runtimes, machine.runtime) ?? ofStorage(stored.runtime, keeperUrl),
    incoming: true,
  };
  return { bytes, request, machineId };
}

/** Returns the runtime of a build that is nearest to the one that saved a state. */
function ofBuild(
  runtimes: readonly RuntimeSource[] | undefined,
  { id, v86Version }: Pick<RuntimeSource, 'id' | 'v86Version'>,
): RuntimeSource | undefined {
  return (
    runtimes?.find((one) => one.id === id) ??
    runtimes?.find((one) => one.v86Version === v86Version) ??
    runtimes?.[0]
  );
}

/** Returns the stored runtime, for callers of earlier releases, which name none. */
function ofStorage(stored: RuntimeSource | undefined, keeperUrl: string | undefined) {
  if (stored && (keeperUrl === undefined || isOfSite(stored.url, keeperUrl)))
    return acceptRuntime(stored);
  throw new HoldfastError(
    'runtime-unavailable',
    'No runtime is named for this machine: give one with "runtime".',
  );
}

/**
 * Checks that file contents are present. A vmstate names files but contains none.
 * @throws HoldfastError `bad-config`
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
    throw new HoldfastError(
      'bad-config',
      `"${name}" of this machine was a file that is not stored. Start a machine with it, with "incoming", and load the state into that.`,
    );
  }
}
