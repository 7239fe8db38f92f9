/** Sends a stored machine to the writer of a state file, at the receiver's pace. */

import { HoldfastError } from '../../errors.ts';
import type { Supplies } from '../../protocol/page-supply.ts';
import { PortSender } from '../../protocol/port-stream.ts';
import type { ExportItem, ExportReport } from '../../protocol/state-transfer.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import type { MachineStore, Store } from '../../store/types.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { JoinedPieces } from '../checkpoint/joined-pieces.ts';
import { decodeManifest, type Manifest } from '../checkpoint/manifest.ts';
import { decodeRecord } from '../checkpoint/record.ts';
import { nextTask, Slices } from '../checkpoint/slices.ts';
import { xxh64 } from '../cpr/digest.ts';
import { ofOwnLineage, type StoredDetails, withFiles } from '../cpr/stored-details.ts';
import { sendAbsent } from '../lazy/send-absent.ts';
import { blobItems, buffersOf, deviceStateItem, pagesItem } from './export-records.ts';

export type ExportSender = PortSender<ExportItem>;

/**
 * Exports a machine that does not run, or the newest checkpoint of one that runs.
 * @throws HoldfastError `not-found`, `storage-damaged`, `file-needed`; the receiver also gets it
 */
export async function exportStoredState(
  store: Store,
  id: string,
  port: MessagePort,
  supplies: Supplies | undefined,
): Promise<ExportReport> {
  const sender: ExportSender = new PortSender(port);
  try {
    const stored = (await store.machines()).find((machine) => machine.id === id);
    const details = (stored?.details ?? {}) as Partial<StoredDetails>;
    const { runtime } = details;
    if (!stored || !details.config || !runtime)
      throw new HoldfastError('not-found', `No machine "${id}" is in storage.`);
    const config = ofOwnLineage(withFiles({ ...details, config: details.config }), id);
    const { h64Raw: digest } = await xxh64();
    const takenAtMs = await withCopy(store, id, stored.name, (copy) =>
      sendStored(copy, sender, digest, async ({ ranges, absent }) => {
        await sender.send({ kind: 'begin', machineId: id, config, runtime, ranges });
        if (absent) await sendAbsent(absent, sender, supplies);
      }),
    );
    sender.end();
    return { takenAtMs, pauseMs: 0 };
  } catch (thrown) {
    const error = HoldfastError.from(
      adoptHoldfastError(thrown),
      'internal',
      'The machine could not be exported',
    );
    sender.fail(error);
    throw error;
  }
}

type Stored = Pick<MachineStore, 'generations' | 'readRecords'>;

/**
 * Reads from a copy. It shares all records, and the original may continue and drop its own in
 * between.
 */
export async function withCopy<T>(
  store: Store,
  id: string,
  name: string,
  read: (copy: Stored) => Promise<T>,
): Promise<T> {
  const copyId = await store.duplicate(id, name);
  try {
    return await read(await store.peek(copyId));
  } finally {
    await store.remove(copyId).catch((thrown) => {
      console.warn('A copy that was made for an export could not be removed:', thrown);
    });
  }
}

/**
 * Sends the whole newest checkpoint.
 * @param begin sends what comes before it
 * @returns the time at which it was taken
 */
export async function sendStored(
  stored: Stored,
  sender: ExportSender,
  digest: Digest,
  begin: (checkpoint: Manifest) => Promise<void> = async () => {},
): Promise<number> {
  const [generation] = await stored.generations();
  if (!generation) throw new HoldfastError('not-found', 'Nothing of this machine is in storage.');
  const { manifest, records, takenAtMs } = generation;
  const checkpoint = decodeManifest(manifest, records, digest);
  await begin(checkpoint);
  const seen = new Set<number>();
  const seenBlobs = new Set<string>();
  const large = new JoinedPieces(checkpoint.parts);
  const isFirst = (page: number) => !seen.has(page) && seen.add(page) !== undefined;
  const slices = new Slices(nextTask, 1.5);
  // The newest first, so that only the newest copy of each page is sent.
  for await (const { bytes } of stored.readRecords([...records].reverse())) {
    slices.start();
    const record = decodeRecord(bytes, digest);
    const pages = pagesItem(record, isFirst);
    await slices.step();
    if (pages) await sender.send(pages, buffersOf(pages));
    for (const blob of record.blobs) {
      const name = `${blob.index} ${blob.stream}`;
      if (seenBlobs.has(name)) continue;
      seenBlobs.add(name);
      const whole = large.take(blob);
      if (!whole) continue;
      for (const item of blobItems(whole)) await sender.send(item, buffersOf(item));
    }
  }
  large.requireAll();
  await sender.send(deviceStateItem(checkpoint));
  return takenAtMs;
}
