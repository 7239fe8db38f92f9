/**
 * A consistent cut of the guest, sent to whoever writes a state file. A durable machine is
 * checkpointed and read back from storage, at the receiver's pace; any other is copied while it runs,
 * as for a checkpoint. Either way it stands still only for what a checkpoint's pause is.
 */
import type { Digest } from '../../cpr/vmstate.ts';
import { CprError } from '../../errors.ts';
import { PortSender } from '../../protocol/port-stream.ts';
import type { ExportReport, LeavingItem } from '../../protocol/state-transfer.ts';
import type { CheckpointInfo } from '../../protocol/stored.ts';
import type { Generation, MachineStore, Store } from '../../store/types.ts';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import { storedRanges } from '../checkpoint/cut.ts';
import { decodeManifest } from '../checkpoint/manifest.ts';
import { decodeRecord } from '../checkpoint/record.ts';
import { nextTask, Slices } from '../checkpoint/slices.ts';
import type { CprMachine } from '../cpr/cpr-machine.ts';
import { cutSource } from '../cpr/cut-source.ts';
import { xxh64 } from '../cpr/digest.ts';
import { composeVmstate, sectionsOf } from '../cpr/sections.ts';
import { storeOf } from '../cpr/targets.ts';
import { ForwardingStore } from './forwarding-store.ts';
import { blobItems, buffersOf, cutItem, pagesItem } from './leaving-records.ts';

/** Copies that wait while the guest runs: no more, so that an export needs little memory. */
const waitingBytes = 4 * 1024 * 1024;

export interface ExportOptions {
  machine: CprMachine;
  port: MessagePort;
  /** Of a durable machine: a checkpoint of all that the guest did before the call. */
  checkpoint?: (() => Promise<CheckpointInfo>) | undefined;
}

/** @throws CprError; the receiver gets it too */
export async function exportGuest(options: ExportOptions): Promise<ExportReport> {
  const { machine, port, checkpoint } = options;
  const sender = new PortSender<LeavingItem>(port);
  try {
    machine.execution.requireLive('export');
    await machine.execution.instance.commands.checkDisks?.();
    const { h64Raw: digest } = await xxh64();
    await sender.send(describe(machine, digest));
    const report = checkpoint
      ? await exportFromStorage(machine, sender, digest, checkpoint)
      : await exportWhileRunning(machine, sender, digest);
    sender.end();
    return report;
  } catch (thrown) {
    const error = CprError.from(thrown, 'internal', 'The guest could not be exported');
    sender.fail(error);
    throw error;
  }
}

function describe(machine: CprMachine, digest: Digest): LeavingItem {
  const { execution, backing, id } = machine;
  const ranges = storedRanges(cutSource(machine, digest, () => new Uint8Array()));
  const { config } = backing;
  return { kind: 'begin', machineId: id, config, runtime: execution.source, ranges };
}

type Sender = PortSender<LeavingItem>;

async function exportFromStorage(
  machine: CprMachine,
  sender: Sender,
  digest: Digest,
  checkpoint: () => Promise<CheckpointInfo>,
): Promise<ExportReport> {
  const { takenAtMs, pauseMs } = await checkpoint();
  const store = await storeOf(machine.openStore);
  // A copy shares all records, and the original may go on and drop its own meanwhile.
  const copyId = await store.duplicate(machine.id, machine.backing.config.name);
  try {
    await sendStored(await store.peek(copyId), sender, digest);
  } finally {
    await removeQuietly(store, copyId);
  }
  return { takenAtMs, pauseMs };
}

async function removeQuietly(store: Store, id: string): Promise<void> {
  await store.remove(id).catch((thrown) => {
    console.warn('A copy that was made for an export could not be removed:', thrown);
  });
}

type Stored = Pick<MachineStore, 'generations' | 'readRecords'>;

async function sendStored(stored: Stored, sender: Sender, digest: Digest): Promise<void> {
  const [generation] = await stored.generations();
  if (!generation) throw new CprError('not-found', 'Nothing of this machine is in storage.');
  const { manifest, records } = generation satisfies Generation;
  const cut = decodeManifest(manifest, records, digest);
  const seen = new Set<number>();
  const seenBlobs = new Set<string>();
  const isFirst = (page: number) => !seen.has(page) && seen.add(page) !== undefined;
  const slices = new Slices(nextTask, 1.5);
  // The newest first, so that of each page only the copy that counts is sent.
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
      for (const item of blobItems(blob)) await sender.send(item, buffersOf(item));
    }
  }
  await sender.send(cutItem(cut));
}

async function exportWhileRunning(
  machine: CprMachine,
  sender: Sender,
  digest: Digest,
): Promise<ExportReport> {
  const { execution, gone } = machine;
  const store = new ForwardingStore({
    record: async (bytes) => {
      const record = decodeRecord(bytes, digest);
      const pages = pagesItem(record, () => true);
      if (pages) await sender.send(pages, buffersOf(pages));
      for (const blob of record.blobs)
        for (const item of blobItems(blob)) await sender.send(item, buffersOf(item));
    },
    manifest: (manifest, records) =>
      sender.send(cutItem(decodeManifest(manifest, records, digest))),
  });
  const save = () => {
    const own = sectionsOf(machine, 'reboot', execution.describe());
    return composeVmstate(execution.instance.save(), own, digest);
  };
  const source = cutSource(machine, digest, save);
  const checkpointer = new Checkpointer({ source, store, waitingBytes });
  const { takenAtMs, pauseMs } = await checkpointer.checkpoint({
    settle: () => execution.instance.quiesce(),
    stop: () => execution.hold(),
    go: () => execution.letGo(),
    signal: AbortSignal.any([gone, sender.signal]),
  });
  return { takenAtMs, pauseMs };
}
