/**
 * The guest's TCP connections after a move. Their far ends stay in the network backend of the former
 * keeper, which relays their frames until they end. New connections are those of the new keeper.
 */
import type { RelayedConnection, RelayMessage } from '../../protocol/relay-message.ts';

/** The parts of a runtime's wire that a relay uses: src/runtime/network/wire.ts. */
export interface RelayedWire {
  send(frame: Uint8Array<ArrayBuffer>): void;
  plug(end: { readonly mac: string; receive(frame: Uint8Array): boolean }): void;
  drain(): boolean;
  connections(): RelayedConnection[];
  inject(frame: Uint8Array): void;
  machineEnded(): void;
}

export interface RelayOptions {
  /**
   * The other keeper is on another host. It is not believed, and its page has to know which messages were
   * taken.
   */
  isForeign?: boolean;
}

/** Name of the wire among the objects that runtimes keep. */
export const wireName = 'network.wire';

/** Longest time for connections of the guest to end, ms. */
const longestMs = 10 * 60_000;
/** Pause between two looks at the connections, ms. */
const lookMs = 1_000;
/** Frames of the guest that wait for the first message of a source on another host. */
const mostEarly = 64;

const nameOf = ({ guest, remote }: RelayedConnection): string => `${guest} ${remote}`;

function post(port: MessagePort, message: RelayMessage): void {
  port.postMessage(message, message.frame ? [message.frame.buffer] : []);
}

/**
 * The former keeper's half: its network stays for the connections that are open.
 * @param mac address of the guest's device
 * @returns a promise that resolves when no connection is left
 */
export function serveRelay(
  wire: RelayedWire,
  mac: string,
  port: MessagePort,
  { isForeign = false }: RelayOptions = {},
): Promise<void> {
  return new Promise((resolve) => {
    const began = performance.now();
    const names = new Set(wire.connections().map(nameOf));
    // [MH12] Another host gets the connections that the guest had, and no others.
    const isAllowed = (frame: Uint8Array) => {
      const segment = tcpSegment(frame);
      return segment !== undefined && !segment.opens && names.has(segment.name);
    };
    const look = () => {
      const connections = wire.connections();
      post(port, { connections });
      if (connections.length === 0 || performance.now() - began > longestMs) end();
    };
    const timer = setInterval(look, lookMs);
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      clearInterval(timer);
      closeRelay(port);
      wire.machineEnded();
      resolve();
    };
    port.onmessage = ({ data: { frame, closed } }: MessageEvent<RelayMessage>) => {
      if (frame && isForeign) post(port, { took: true });
      if (frame && (!isForeign || isAllowed(frame))) wire.send(frame);
      if (closed) end();
    };
    // The keeper of the guest has ended.
    port.addEventListener('close', end);
    wire.plug({
      mac,
      receive: (frame) => {
        post(port, { frame: frame.slice() });
        return true;
      },
    });
    post(port, { connections: wire.connections() });
    wire.drain();
  });
}

/** The new keeper's half: frames of connections that its own network does not know go to the former one. */
export function joinRelay(
  wire: RelayedWire,
  port: MessagePort,
  { isForeign = false }: RelayOptions = {},
): void {
  const { send, connections, machineEnded } = wire;
  const own = new Set<string>();
  /** Names of the connections that a source on another host relays. */
  const known = new Set<string>();
  /** Frames that wait for the source on another host to say whether it relays them. */
  let early: Uint8Array<ArrayBuffer>[] | undefined = isForeign ? [] : undefined;
  let relayed: RelayedConnection[] = [];
  let isOpen = true;
  const transmit = (frame: Uint8Array<ArrayBuffer>) => {
    if (!isOfOther(frame)) send.call(wire, frame);
    else if (!early) post(port, { frame: frame.slice() });
    else if (early.length < mostEarly) early.push(frame.slice());
  };
  const heard = () => {
    const waiting = early ?? [];
    early = undefined;
    for (const frame of waiting) transmit(frame);
  };
  const end = () => {
    if (!isOpen) return;
    isOpen = false;
    relayed = [];
    closeRelay(port);
    // The guest's own network resets them.
    heard();
  };
  port.onmessage = ({ data }: MessageEvent<RelayMessage>) => {
    if (isForeign && !data.closed) post(port, { took: true });
    if (data.frame) wire.inject(data.frame);
    if (data.connections) {
      relayed = data.connections;
      if (early) for (const connection of relayed) known.add(nameOf(connection));
      heard();
    }
    if (data.closed) end();
  };
  port.addEventListener('close', end);
  const isOfOther = (frame: Uint8Array): boolean => {
    const segment = isOpen ? tcpSegment(frame) : undefined;
    if (!segment) return false;
    const { name, opens } = segment;
    if (opens) own.add(name);
    if (own.has(name)) return false;
    // A connection to a port of the guest begins in the network.
    const isOwn = connections.call(wire).some((each) => nameOf(each) === name);
    if (isOwn) own.add(name);
    return !isOwn && (!isForeign || early !== undefined || known.has(name));
  };
  Object.assign(wire, {
    send: transmit,
    connections: () => [...connections.call(wire), ...relayed],
    machineEnded: () => {
      end();
      machineEnded.call(wire);
    },
  });
}

/** Not every browser tells one end of a port that the other end is closed. */
export function closeRelay(port: MessagePort): void {
  post(port, { closed: true });
  port.close();
}

const offsets = { etherType: 12, ip: 14, protocol: 23, source: 26, destination: 30 } as const;
const [ipv4, tcp, flags] = [0x0800, 6, { syn: 2, ack: 16 }] as const;

/** The connection of a TCP segment of the guest, as the wire names it, and whether it opens it. */
function tcpSegment(frame: Uint8Array): { name: string; opens: boolean } | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const segment = offsets.ip + ((frame[offsets.ip] ?? 0) & 15) * 4;
  if (frame.length < segment + 20 || view.getUint16(offsets.etherType) !== ipv4) return undefined;
  if (view.getUint8(offsets.protocol) !== tcp) return undefined;
  const address = (at: number) => frame.subarray(at, at + 4).join('.');
  const guest = `${address(offsets.source)}:${view.getUint16(segment)}`;
  const remote = `${address(offsets.destination)}:${view.getUint16(segment + 2)}`;
  const set = view.getUint8(segment + 13);
  return {
    name: `${guest} ${remote}`,
    opens: (set & flags.syn) !== 0 && (set & flags.ack) === 0,
  };
}
