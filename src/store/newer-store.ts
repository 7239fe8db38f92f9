/** The store of a site that went back to an older version, see docs/spec/storage.md [F7]. */
import { HoldfastError } from '../errors.ts';
import { machinesOf } from './copy.ts';
import { DatabaseConnection } from './database-connection.ts';
import { loadDigest } from './digest.ts';
import { Places } from './place.ts';
import { IndexedDbStore, type StoreOptions } from './store.ts';
import type { Store } from './types.ts';

/**
 * Opens, for reading, the data of a newer version of this site, if this version knows its place.
 * @throws HoldfastError `storage-newer` if it does not
 */
export async function openNewerStore({
  databaseName = 'holdfast',
  openTimeoutMs = 10_000,
}: StoreOptions = {}): Promise<Store> {
  const places = Places.of(databaseName);
  const first = places ? (await places.inUse()).first : 0;
  const connection = new DatabaseConnection({
    databaseName,
    ...(places && { factory: () => places.factory(first) }),
    version: 'as-it-is',
    openTimeoutMs,
    onLost: () => undefined,
    onWindow: () => undefined,
  });
  try {
    await machinesOf(connection);
    return new IndexedDbStore(connection, await loadDigest());
  } catch (cause) {
    connection.close();
    throw new HoldfastError(
      'storage-newer',
      'A newer version of this site has stored the machines, in a way that this one cannot read.',
      { cause },
    );
  }
}
