import { CprError } from '../errors.ts';
import type { Connection } from './connection.ts';
import type { Digest } from './digest.ts';
import { isManifestWhole, isWhole } from './generation-row.ts';
import { under } from './key-ranges.ts';
import type { Generation } from './types.ts';

/**
 * The readable generations, newest first.
 * @throws CprError `storage-damaged` when the newest is not readable, `not-found` without a machine
 */
export function readGenerations(
  connection: Connection,
  digest: Digest,
  id: string,
): Promise<Generation[]> {
  const stores = ['machines', 'generations', 'manifests'] as const;
  return connection.read([...stores], 'read the stored machine', async (transaction) => {
    const [machine, rows] = await Promise.all([
      transaction.objectStore('machines').get(id),
      transaction.objectStore('generations').getAll(under(id)),
    ]);
    if (!machine) throw notFound(id);
    const manifests = transaction.objectStore('manifests');
    const generations: Generation[] = [];
    for (const row of rows.reverse()) {
      if (!isWhole(row, digest)) continue;
      const { number, takenAtMs, records } = row;
      const manifest = await manifests.get([id, number]);
      if (!isManifestWhole(row, manifest, digest)) continue;
      generations.push({ number, takenAtMs, manifest, records: [...records] });
    }
    if (generations[0]?.number !== machine.generation) {
      throw new CprError(
        'storage-damaged',
        `The newest stored state of “${machine.name}” (generation ${machine.generation}) is damaged.`,
      );
    }
    return generations;
  });
}

export const notFound = (id: string) =>
  new CprError(
    'not-found',
    `The machine ${id} is not stored: it was deleted, or this site’s data was cleared.`,
  );
