/**
 * Sends a consistent cut of the guest to the writer of a state file. A durable machine is
 * checkpointed and read back from storage, at the receiver's pace. Any other machine is copied
 * while it runs, as for a checkpoint. In both cases the guest is stopped only as long as for a
 * checkpoint.
 */

import { HoldfastError } from '../../errors.ts';
import { PortSender } from '../../protocol/port-stream.ts';
import type { ExportItem, ExportReport } from '../../protocol/state-transfer.ts';
import type { CheckpointInfo } from '../../protocol/stored.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { storedRanges } from '../checkpoint/checkpoint-source.ts';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import { decodeManifest } from '../checkpoint/manifest.ts';
import { decodeRecord } from '../checkpoint/record.ts';
import { xxh64 } from '../cpr/digest.ts';
import { checkpointSource } from '../cpr/guest-checkpoint-source.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import { composeVmstate, sectionsOf } from '../cpr/sections.ts';
import { storeOf } from '../cpr/targets.ts';
import { blobItems, buffersOf, deviceStateItem, pagesItem } from './export-records.ts';
import { ForwardingStore } from './forwarding-store.ts';
import { hotPagesOf } from './hot-pages.ts';
import { type ExportSender, sendStored, withCopy } from './send-stored.ts';

/** Largest size of waiting copies while the guest runs, so that an export needs little memory. */
const waitingBytes = 4 * 1024 * 1024;

interface ExportOptions {
  machine: GuestParts;
  port: MessagePort;
  /** For a durable machine: takes a checkpoint of everything up to the call. */
  checkpoint?: (() => Promise<CheckpointInfo>) | undefined;
}

/** @throws HoldfastError; the receiver gets it too */
export async function exportState(options: ExportOptions): Promise<ExportReport> {
  const { machine, port, checkpoint } = options;
  const sender: ExportSender = new PortSender(port);
  try {
    machine.execution.requireLive('export');
    await machine.execution.instance.commands.checkDisks?.();
    await machine.memory.bringAll(sender.signal);
    const { h64Raw: digest } = await xxh64();
    await sender.send(describe(machine, digest));
    const report = checkpoint
      ? await exportFromStorage(machine, sender, digest, checkpoint)
      : await exportWhileRunning(machine, sender, digest);
    sender.end();
    return report;
  } catch (thrown) {
    const error = HoldfastError.from(
      adoptHoldfastError(thrown),
      'internal',
      'The guest could not be exported',
    );
    sender.fail(error);
    throw error;
  }
}

function describe(machine: GuestParts, digest: Digest): ExportItem {
  const { execution, backing, id } = machine;
  const ranges = storedRanges(checkpointSource(machine, digest, () => new Uint8Array()));
  const { config } = backing;
  const hotPages = hotPagesOf(execution.instance, ranges, machine.recentPages);
  const { source: runtime } = execution;
  return { kind: 'begin', machineId: id, config, runtime, ranges, ...(hotPages && { hotPages }) };
}

async function exportFromStorage(
  machine: GuestParts,
  sender: ExportSender,
  digest: Digest,
  checkpoint: () => Promise<CheckpointInfo>,
): Promise<ExportReport> {
  const { takenAtMs, pauseMs } = await checkpoint();
  const store = await storeOf(machine.openStore);
  await withCopy(store, machine.id, machine.backing.config.name, (copy) =>
    sendStored(copy, sender, digest),
  );
  return { takenAtMs, pauseMs };
}

async function exportWhileRunning(
  machine: GuestParts,
  sender: ExportSender,
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
      sender.send(deviceStateItem(decodeManifest(manifest, records, digest))),
  });
  const save = () => {
    const own = sectionsOf(machine, 'reboot', execution.savedState());
    return composeVmstate(execution.instance.save(), own, digest);
  };
  const source = checkpointSource(machine, digest, save);
  const checkpointer = new Checkpointer({ source, store, waitingBytes, wholePieces: true });
  const { takenAtMs, pauseMs } = await checkpointer.checkpoint({
    settle: () => execution.instance.quiesce(),
    stop: () => execution.hold(),
    go: () => execution.release(),
    signal: AbortSignal.any([gone, sender.signal]),
  });
  return { takenAtMs, pauseMs };
}
