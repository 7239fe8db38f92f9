/** Reads the remains of a machine that has no intact generation. */
import { HoldfastError } from '../errors.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import { readStored } from './generation-reader.ts';
import { readRecords } from './record-reader.ts';
import type { SalvagedMachine } from './types.ts';

/** @throws HoldfastError `not-found`, or the error of an unreadable database */
export async function salvageMachine(
  connection: DatabaseConnection,
  digest: Digest,
  id: string,
): Promise<SalvagedMachine> {
  const { generations } = await readStored(connection, id);
  return {
    generations: generations.map(({ row, manifest }) => ({
      number: row.number,
      takenAtMs: row.takenAtMs,
      manifest: manifest instanceof Uint8Array ? manifest : undefined,
      // The list in a damaged row may be wrong; a record that does not exist is reported as
      // missing.
      records: row.records instanceof Float64Array ? [...row.records] : [],
    })),
    readRecord: async (record) => {
      try {
        for await (const { bytes } of readRecords(connection, digest, [record])) return bytes;
      } catch (thrown) {
        if (!(thrown instanceof HoldfastError) || thrown.code !== 'storage-damaged') throw thrown;
      }
      return undefined;
    },
  };
}
