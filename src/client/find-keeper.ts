/** Finds the keeper that has the machine now, from any keeper that had it. */
import { HoldfastError } from '../errors.ts';
import { abiVersion } from '../protocol/abi.ts';
import type { KeeperInfo } from '../protocol/keeper-api.ts';
import { askWhere, type KeeperAddress, type KeeperPlace } from '../protocol/keeper-lookup.ts';
import { type KeeperWire, wrapKeeper } from '../protocol/rpc.ts';
import { KeeperConnection } from './keeper-connection.ts';
import { isSilent } from './keeper-place.ts';
import type { KeeperWorker } from './keeper-worker.ts';

export interface FoundKeeper {
  readonly worker: KeeperWorker;
  readonly wire: KeeperWire;
  readonly connection: KeeperConnection;
  readonly info: KeeperInfo;
  /** Absent for a keeper that cannot move its guest: one of the first release. */
  readonly place?: KeeperPlace;
}

interface FindOptions {
  silenceMs: number;
  /**
   * Moves the guest out of a keeper of an ABI that this page does not speak.
   * @returns the worker that has it then
   */
  upgrade?:
    | ((worker: KeeperWorker, place: KeeperPlace) => Promise<KeeperAddress | undefined>)
    | undefined;
}

/** [KL6] More moves in a row than this are a mistake of the keepers. */
const mostHops = 64;

/** @throws HoldfastError `keeper-unavailable`, `keeper-incompatible`, `keeper-silent` or `keeper-gone` */
export async function findKeeper(
  given: KeeperWorker,
  { silenceMs, upgrade }: FindOptions,
): Promise<FoundKeeper> {
  let worker = given;
  for (let hops = 0; hops < mostHops; hops++) {
    const wire = wrapKeeper(worker.port);
    const connection = new KeeperConnection(wire, { silenceMs });
    let next: KeeperAddress | undefined;
    try {
      const asked = askWhere(worker.port);
      const info = connection.keeper.info();
      info.catch(() => {});
      // [KL5] A keeper that knows the question answers it before the call.
      const first = await Promise.race([asked, info, worker.failed]);
      const place = 'type' in first ? first : undefined;
      next = place?.movedTo;
      // An older page would move the guest back.
      if (place && next === undefined && place.abi < abiVersion)
        next = await upgrade?.(worker, place);
      if (next === undefined) {
        checkAbi(place?.abi ?? (await info).abiVersion);
        return { worker, wire, connection, info: await info, ...(place && { place }) };
      }
    } catch (thrown) {
      if (!(thrown instanceof HoldfastError) || thrown.code !== 'keeper-moved') {
        connection.close();
        worker.leave();
        throw isSilence(thrown) ? isSilent() : thrown;
      }
    }
    connection.close();
    // Without a name, the same keeper is asked again: it moves the guest right now.
    const address = next ?? worker.address;
    if (!address || !worker.another)
      throw new HoldfastError('keeper-gone', 'The guest moved away.');
    worker = worker.another(address);
  }
  throw new HoldfastError('keeper-gone', 'The keepers of this machine name each other. Reload.');
}

const isSilence = (thrown: unknown) =>
  thrown instanceof HoldfastError && thrown.code === 'keeper-silent';

function checkAbi(found: number): void {
  if (found === abiVersion) return;
  throw new HoldfastError(
    'keeper-incompatible',
    `This page speaks keeper ABI ${abiVersion}, but the keeper that is running speaks ABI ${found}. ` +
      (found < abiVersion
        ? "It keeps the guest until the guest is moved to this page's keeper: connect with upgrade."
        : 'This page is older than the keeper: reload it.'),
  );
}
