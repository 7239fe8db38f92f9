/** Messages of a migration as bytes. See docs/spec/migration.md. */
import { HoldfastError } from '../../errors.ts';
import type { Digest } from '../../vmstate/vmstate.ts';

/** The kinds of messages, by their number on the wire. The first group goes to the destination. */
const kinds = {
  setup: 1,
  contents: 2,
  pages: 3,
  blob: 4,
  device: 5,
  run: 6,
  accepted: 16,
  took: 17,
  ready: 18,
  running: 19,
  prepared: 20,
  /** From either end. */
  cancel: 32,
} as const;

export type MessageKind = keyof typeof kinds;

export interface Message {
  kind: MessageKind;
  /** A view into the message. */
  body: Uint8Array<ArrayBuffer>;
}

export const headerBytes = 24;
/** [MS5] No message is larger. A sender divides what is. */
export const largestMessageBytes = 16 * 1024 * 1024;

const names = new Map<number, MessageKind>(
  Object.entries(kinds).map(([name, kind]) => [kind, name as MessageKind]),
);

const broken = (what: string) =>
  new HoldfastError('migration-failed', `${what} Check the connection, then migrate again.`);

/**
 * @param sequence number of messages that this end sent before
 * @throws HoldfastError `migration-failed` if the body is larger than a message
 */
export function encodeMessage(
  kind: MessageKind,
  sequence: number,
  body: Uint8Array,
  digest: Digest,
): Uint8Array<ArrayBuffer> {
  if (headerBytes + body.length > largestMessageBytes)
    throw new HoldfastError(
      'migration-failed',
      `The guest cannot move: "${kind}" has ${body.length} bytes, more than a message may have.`,
    );
  const out = new Uint8Array(headerBytes + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, kinds[kind], true);
  view.setUint32(4, sequence, true);
  view.setUint32(8, body.length, true);
  out.set(body, headerBytes);
  view.setBigUint64(16, digestOf(out, digest), true);
  return out;
}

/** @throws HoldfastError `migration-failed` for a message that is damaged, unknown or out of order */
export function decodeMessage(
  bytes: Uint8Array<ArrayBuffer>,
  sequence: number,
  digest: Digest,
): Message {
  if (bytes.length < headerBytes || bytes.length > largestMessageBytes)
    throw broken(`A message of the migration has ${bytes.length} bytes.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8, true) !== bytes.length - headerBytes || view.getUint32(12, true) !== 0)
    throw broken('A message of the migration is cut off.');
  if (view.getBigUint64(16, true) !== digestOf(bytes, digest))
    throw broken('A message of the migration is damaged.');
  if (view.getUint32(4, true) !== sequence)
    throw broken('Messages of the migration are missing or out of order.');
  const kind = names.get(view.getUint32(0, true));
  if (!kind) throw broken('A message of the migration is of a kind that this build does not know.');
  return { kind, body: bytes.subarray(headerBytes) };
}

function digestOf(bytes: Uint8Array, digest: Digest): bigint {
  return digest(bytes.subarray(headerBytes), digest(bytes.subarray(0, 16)));
}
