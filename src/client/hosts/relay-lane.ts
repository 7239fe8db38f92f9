/**
 * Frames of the guest's TCP connections between the keepers of two hosts, beside a migration. The far ends
 * of these connections stay at the source. See docs/spec/migration.md, "Between hosts".
 */
import { HoldfastError } from '../../errors.ts';
import type { RelayedConnection, RelayMessage } from '../../protocol/relay-message.ts';
import { frameKind } from './message-parts.ts';

/** The second byte of a frame of the kind `relay`. */
const bodyKind = { ethernet: 0, connections: 1 } as const;

/** [MH13] Frames beyond it are lost. A guest's TCP windows keep what is under way far below. */
const untakenLimit = 2048;
/** The largest Ethernet frame that a guest takes or sends. */
const ethernetBytes = 9216;
const mostConnections = 256;
const mostAddressLength = 32;

interface LaneEnds {
  /** Sends a frame to the other host, if there is room. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** Called when the keeper relays nothing more. */
  ended(): void;
}

export class RelayLane {
  /** The keeper's end. */
  readonly keeperEnd: MessagePort;
  readonly #port: MessagePort;
  readonly #ends: LaneEnds;
  /** Messages that the keeper has not taken. */
  #untaken = 0;
  #isOver = false;

  constructor(ends: LaneEnds) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.keeperEnd = port2;
    this.#ends = ends;
    port1.onmessage = ({ data }: MessageEvent<RelayMessage>) => this.#fromKeeper(data);
    port1.addEventListener('close', () => this.#end());
  }

  /**
   * Returns true for a list of connections: the source, which sends one a second, waits for a sign of life.
   * @throws HoldfastError `migration-failed` for a frame against the rules
   */
  take(frame: Uint8Array<ArrayBuffer>): boolean {
    const message = messageOf(frame);
    if (!this.#isOver && this.#untaken < untakenLimit) {
      this.#untaken++;
      this.#port.postMessage(message);
    }
    return message.connections !== undefined;
  }

  /** The keeper learns that nothing more arrives. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const end: RelayMessage = { closed: true };
    this.#port.postMessage(end);
    this.#port.close();
  }

  #fromKeeper({ frame, connections, took, closed }: RelayMessage): void {
    if (this.#isOver) return;
    if (took) this.#untaken--;
    if (frame) this.#ends.send(relayFrame(bodyKind.ethernet, frame));
    if (connections) {
      const json = JSON.stringify(connections.slice(0, mostConnections));
      this.#ends.send(relayFrame(bodyKind.connections, new TextEncoder().encode(json)));
    }
    if (closed) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.close();
    this.#ends.ended();
  }
}

function relayFrame(kind: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(2 + body.length);
  frame.set([frameKind.relay, kind]);
  frame.set(body, 2);
  return frame;
}

const broken = () =>
  new HoldfastError('migration-failed', 'The other host relays what is no frame of a connection.');

function messageOf(frame: Uint8Array<ArrayBuffer>): RelayMessage {
  const body = frame.slice(2);
  if (frame[1] === bodyKind.ethernet && body.length <= ethernetBytes) return { frame: body };
  if (frame[1] !== bodyKind.connections) throw broken();
  return { connections: connectionsIn(body) };
}

function connectionsIn(body: Uint8Array): RelayedConnection[] {
  let listed: unknown;
  try {
    listed = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw broken();
  }
  if (!Array.isArray(listed) || listed.length > mostConnections) throw broken();
  return listed.map((one) => {
    const { guest, remote, sequence } = Object(one) as Record<string, unknown>;
    if (!isAddress(guest) || !isAddress(remote) || !Number.isSafeInteger(sequence)) throw broken();
    return { guest, remote, sequence: Number(sequence) };
  });
}

const isAddress = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= mostAddressLength;
