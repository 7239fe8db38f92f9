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
  /** Absent in builds whose guests notice the end of a relay only when they send. */
  probe?(connections: readonly RelayedConnection[]): void;
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
/** [MH14] Longest time for which a destination takes frames of a source on another host, ms. */
const longestForeignMs = longestMs + 60_000;
/** Frames of the guest that wait for the first message of a source on another host. */
const mostEarly = 64;
/** Connections that the guest opened and that are remembered: the new network knows those that are open. */
const mostOwn = 4096;

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
      if (isForeign && !closed) post(port, { took: true });
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
  const addOwn = (name: string) => {
    own.add(name);
    for (const oldest of own) {
      if (own.size <= mostOwn) break;
      own.delete(oldest);
    }
  };
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
  const isRelayed = (name: string) => !isForeign || known.has(name);
  const end = (): readonly RelayedConnection[] => {
    if (!isOpen) return [];
    isOpen = false;
    clearTimeout(timer);
    const left = relayed.filter((connection) => isRelayed(nameOf(connection)));
    relayed = [];
    closeRelay(port);
    // The guest's own network resets them.
    heard();
    return left;
  };
  /** The guest, which may only read, answers a probe. Its own network resets what it does not know. */
  const broke = () => wire.probe?.(end());
  const timer = isForeign ? setTimeout(broke, longestForeignMs) : undefined;
  port.onmessage = ({ data }: MessageEvent<RelayMessage>) => {
    if (isForeign && !data.closed) post(port, { took: true });
    if (data.frame && isOpen && mayEnter(data.frame)) wire.inject(data.frame);
    if (data.connections) {
      relayed = data.connections;
      if (early) for (const connection of relayed) known.add(nameOf(connection));
      heard();
    }
    if (data.closed) broke();
  };
  port.addEventListener('close', broke);
  // [MH14] Another host sends on the connections that the guest had, and nothing else.
  const mayEnter = (frame: Uint8Array): boolean => {
    const segment = isForeign ? tcpSegment(frame, 'to') : undefined;
    return !isForeign || (segment !== undefined && !segment.opens && known.has(segment.name));
  };
  const isOfOther = (frame: Uint8Array): boolean => {
    const segment = isOpen ? tcpSegment(frame) : undefined;
    if (!segment) return false;
    const { name, opens } = segment;
    if (opens) {
      addOwn(name);
      known.delete(name);
    }
    if (own.has(name)) return false;
    // A connection to a port of the guest begins in the network.
    const isOwn = connections.call(wire).some((each) => nameOf(each) === name);
    if (isOwn) addOwn(name);
    return !isOwn && (early !== undefined || isRelayed(name));
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

/** Returns the connection of a TCP segment, as the wire names it, and whether the segment opens it. */
function tcpSegment(
  frame: Uint8Array,
  direction: 'from' | 'to' = 'from',
): { name: string; opens: boolean } | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const segment = offsets.ip + ((frame[offsets.ip] ?? 0) & 15) * 4;
  if (frame.length < segment + 20 || view.getUint16(offsets.etherType) !== ipv4) return undefined;
  if (view.getUint8(offsets.protocol) !== tcp) return undefined;
  const address = (at: number) => frame.subarray(at, at + 4).join('.');
  const source = `${address(offsets.source)}:${view.getUint16(segment)}`;
  const destination = `${address(offsets.destination)}:${view.getUint16(segment + 2)}`;
  const set = view.getUint8(segment + 13);
  return {
    name: direction === 'from' ? `${source} ${destination}` : `${destination} ${source}`,
    opens: (set & flags.syn) !== 0 && (set & flags.ack) === 0,
  };
}
