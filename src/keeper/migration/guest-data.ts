/** Memory, pieces and device state of a guest as messages, and back. */
import { HoldfastError } from '../../errors.ts';
import type {
  BlobItem,
  DeviceStateItem,
  ImportItem,
  NoBlobItem,
} from '../../protocol/state-transfer.ts';
import { decodeDeviceCut, encodeDeviceCut } from '../../vmstate/device-cut.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { decodeManifest } from '../checkpoint/manifest.ts';
import { decodeRecord, type LogRecord } from '../checkpoint/record.ts';
import type { HeldInput } from '../pages/page-input.ts';
import { blobItems, deviceStateItem, pagesItem } from '../transfer/export-records.ts';
import { ForwardingStore } from '../transfer/forwarding-store.ts';
import type { MigrationLink } from './link.ts';

/** Before a blob's bytes: index, length of its stream's name, its whole length and the offset. */
const blobHeadBytes = 24;

/** Counts of {@link migrationStore}. */
export interface SentPages {
  /** Pages of which only a number was sent. */
  duplicatePages: number;
}

/**
 * A store for the checkpointer that sends what it writes.
 * @param stoppedMs how long the guest stands still, once it does
 */
export function migrationStore(
  link: MigrationLink,
  digest: Digest,
  sent: SentPages,
  stoppedMs: () => number,
): ForwardingStore {
  return new ForwardingStore({
    record: async (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      sent.duplicatePages += view.getUint32(8, true) + view.getUint32(12, true);
      const hasBlobs = view.getUint32(16, true) > 0;
      if (!hasBlobs) return link.send('pages', bytes);
      for (const blob of decodeRecord(bytes, digest).blobs) {
        if (blob.bytes)
          for (const item of blobItems(blob)) await link.send('blob', encodeBlob(item));
        else await link.send('blob', encodeBlob(goneBlob(blob)));
      }
    },
    manifest: async (manifest, records) => {
      const item = deviceStateItem(decodeManifest(manifest, records, digest));
      await link.send('device', encodeDevice(item, stoppedMs(), digest));
    },
  });
}

/** Length of a blob that was sent before and is gone. */
const noBlob = -1;

const goneBlob = ({ stream, index }: { stream: string; index: number }): BlobItem => ({
  kind: 'blob',
  stream,
  index,
  bytes: new Uint8Array(),
  totalBytes: noBlob,
  offsetBytes: 0,
});

function encodeBlob({ stream, index, bytes, totalBytes, offsetBytes }: BlobItem): Uint8Array {
  const name = new TextEncoder().encode(stream);
  const body = new Uint8Array(blobHeadBytes + name.length + bytes.length);
  const view = new DataView(body.buffer);
  view.setUint32(0, index, true);
  view.setUint32(4, name.length, true);
  view.setFloat64(8, totalBytes, true);
  view.setFloat64(16, offsetBytes, true);
  body.set(name, blobHeadBytes);
  body.set(bytes, blobHeadBytes + name.length);
  return body;
}

const isSize = (value: number) => Number.isSafeInteger(value) && value >= 0;

function decodeBlob(body: Uint8Array<ArrayBuffer>): BlobItem | NoBlobItem {
  const damaged = () =>
    new HoldfastError('migration-failed', 'A piece of the guest arrived damaged.');
  if (body.length < blobHeadBytes) throw damaged();
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const start = blobHeadBytes + view.getUint32(4, true);
  if (start > body.length) throw damaged();
  const stream = new TextDecoder().decode(body.subarray(blobHeadBytes, start));
  const index = view.getUint32(0, true);
  const totalBytes = view.getFloat64(8, true);
  const offsetBytes = view.getFloat64(16, true);
  if (totalBytes === noBlob) return { kind: 'no-blob', stream, index };
  if (!isSize(totalBytes) || !isSize(offsetBytes)) throw damaged();
  return { kind: 'blob', stream, index, bytes: body.slice(start), totalBytes, offsetBytes };
}

function encodeDevice(item: DeviceStateItem, stoppedMs: number, digest: Digest): Uint8Array {
  const envelope = encodeDeviceCut(item, digest);
  const body = new Uint8Array(8 + envelope.length);
  new DataView(body.buffer).setFloat64(0, stoppedMs, true);
  body.set(envelope, 8);
  return body;
}

/** The device state, and for how long the guest stood still when it was sent. */
export interface ArrivedDevice {
  item: DeviceStateItem;
  stoppedMs: number;
}

/** The last word of a source. */
interface RunWord {
  /** The machine in storage is this guest, or may give way to it. */
  ownsStored: boolean;
  /** Keys and buttons that pages hold, which follow the guest. */
  held: readonly HeldInput[];
}

export function encodeRun({ ownsStored, held }: RunWord): Uint8Array {
  const text = held.length > 0 ? new TextEncoder().encode(JSON.stringify(held)) : [];
  return Uint8Array.of(ownsStored ? 1 : 0, ...text);
}

/** An empty body is of a source whose guest is the stored one. */
export const decodeRun = (body: Uint8Array): RunWord => ({
  ownsStored: body[0] !== 0,
  held: readHeld(body.subarray(1)),
});

/** More pages than hold keys at once. */
const mostHolding = 64;

/** Returns nothing for a text of another form: the guest's keys are then released. */
function readHeld(bytes: Uint8Array): HeldInput[] {
  if (bytes.length === 0) return [];
  try {
    const read: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(0, 65_536)));
    return Array.isArray(read) && read.length <= mostHolding && read.every(isHeldInput) ? read : [];
  } catch {
    return [];
  }
}

function isHeldInput(value: unknown): value is HeldInput {
  const { pageId, makes, buttons } = Object(value) as Partial<HeldInput>;
  const isMake = (make: unknown) =>
    Number.isInteger(make) && Number(make) >= 0 && Number(make) < 65_536;
  return (
    typeof pageId === 'string' &&
    Array.isArray(makes) &&
    makes.every(isMake) &&
    Array.isArray(buttons) &&
    buttons.every((button) => typeof button === 'boolean')
  );
}

/** Longer times are none of a switchover. */
const mostStoppedMs = 60_000;

function decodeDevice(body: Uint8Array, digest: Digest): ArrivedDevice {
  if (body.length < 8)
    throw new HoldfastError('migration-failed', 'The device state arrived damaged.');
  const stoppedMs = new DataView(body.buffer, body.byteOffset).getFloat64(0, true);
  const cut = decodeDeviceCut(body.subarray(8), digest);
  if (!cut)
    throw new HoldfastError('migration-failed', 'The guest arrived without its device state.');
  const item: DeviceStateItem = { kind: 'cut', ...cut };
  return { item, stoppedMs: stoppedMs >= 0 && stoppedMs <= mostStoppedMs ? stoppedMs : 0 };
}

/**
 * Yields what arrives, up to the device state.
 * @param arrived called with the device state, before it is yielded
 */
export async function* arrivingItems(
  link: MigrationLink,
  digest: Digest,
  arrived: (device: ArrivedDevice) => void,
): AsyncGenerator<ImportItem> {
  for (;;) {
    const { kind, body } = await link.receive('pages', 'blob', 'device');
    if (kind === 'device') {
      const device = decodeDevice(body, digest);
      arrived(device);
      yield device.item;
      link.took(body.length);
      return;
    }
    if (kind === 'blob') yield decodeBlob(body);
    else {
      const record = decodeRecord(body, digest);
      const pages = pagesItem({ ...record, repeats: [] }, () => true);
      const noXor = { xorNumbers: new Uint32Array(), xor: new Uint8Array() };
      const copies = copiesIn(record);
      if (pages) yield { ...pages, ...noXor, copies };
    }
    link.took(body.length);
  }
}

/** Repeats as copies within the guest's memory: a short list of them may stand for all of it. */
function copiesIn({ pages, repeats }: LogRecord): Uint32Array<ArrayBuffer> {
  const copies = new Uint32Array(2 * repeats.length);
  for (const [i, { page, like }] of repeats.entries()) {
    const same = pages[like];
    if (!same)
      throw new HoldfastError('migration-failed', 'A page of the guest arrived without contents.');
    copies.set([page, same.page], 2 * i);
  }
  return copies;
}
