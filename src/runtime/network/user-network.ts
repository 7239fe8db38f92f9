/**
 * The user-mode networks of v86 (its FetchNetworkAdapter and WispNetworkAdapter): DHCP, DNS and the
 * far end of the guest's TCP connections, in the keeper.
 *
 * `V86` itself creates them from its options. So one is created here without a CPU, and only its
 * bus and adapter are used.
 */
import { HoldfastError } from '../../errors.ts';
import type { NetworkBackend } from '../../protocol/config.ts';
import { type NetworkPatience, usualPatience } from './exchange.ts';
import { guestFetch } from './guest-fetch.ts';
import { serveGuestPort } from './guest-port.ts';
import { guestRequests } from './guest-requests.ts';
import { withoutDataInFin } from './last-segment.ts';
import { macText } from './mac.ts';
import { nameLookups } from './name-lookups.ts';
import { PacedFetch } from './paced-fetch.ts';
import { ReadWindows } from './read-windows.ts';
import { tcpProbe } from './tcp-probe.ts';
import type { Backend } from './wire.ts';
import type { WireConnection } from './wire-connection.ts';

type UserNetwork = Extract<NetworkBackend, { kind: 'fetch' | 'wisp' }>;

/** @throws {HoldfastError} `network-unavailable` */
export function userNetwork(
  V86: V86Constructor,
  config: UserNetwork,
  toGuest: (frame: Uint8Array) => void,
  patience: NetworkPatience = usualPatience,
): Backend {
  return new UserModeBackend(makeAdapter(V86, config), { config, toGuest, patience });
}

interface UserModeOptions {
  config: UserNetwork;
  toGuest(frame: Uint8Array): void;
  patience: NetworkPatience;
}

class UserModeBackend implements Backend {
  /** Absent if v86's adapter cannot open connections to the guest. */
  readonly open?: NonNullable<Backend['open']>;
  readonly #adapter: V86NetworkAdapter;
  readonly #bus: V86Bus;
  readonly #toGuest: (frame: Uint8Array) => void;
  readonly #windows: ReadWindows;
  readonly #pace: PacedFetch;
  readonly #requests: ReturnType<typeof guestRequests>;
  /** @returns true for a name lookup, which is answered elsewhere */
  readonly #lookUp: (frame: Uint8Array) => boolean;

  constructor({ adapter, bus, adapterBus }: Adapter, options: UserModeOptions) {
    const { config, toGuest, patience } = options;
    this.#adapter = adapter;
    this.#bus = bus;
    this.#toGuest = toGuest;
    this.#windows = new ReadWindows(toGuest);
    const reset = (connection: V86TcpConnection) => this.#reset(connection);
    this.#pace = new PacedFetch({ connections: () => adapter.tcp_conn, reset, patience });
    if (config.kind === 'fetch') adapter.fetch = guestFetch(config, this.#pace.fetch);
    else this.#tendWisp();
    this.#lookUp = config.kind === 'wisp' ? nameLookups(config.dohServer, toGuest) : () => false;
    this.#requests = guestRequests(adapter);
    adapterBus.register('tcp-connection', this.#requests.tend, undefined);
    bus.register('net0-receive', (frame: Uint8Array) => this.#receive(frame), undefined);
    adapterBus.register(
      'tcp-connection',
      (connection: V86TcpConnection) =>
        connection.on('shutdown', () => {
          if (!this.#pace.guestEnded(connection)) endToo(connection);
        }),
      undefined,
    );
    if (adapter.connect) this.open = (port, channel) => this.#connect(port, channel);
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#lookUp(frame)) return;
    if (isFull(this.#adapter) || (opensConnection(frame) && !this.#requests.mayConnect())) return;
    for (const part of withoutDataInFin(frame))
      this.#pace.during(part, () => this.#bus.send('net0-send', part));
  }

  setMac(address: string): void {
    this.#bus.send('net0-mac', address);
  }

  connections(): WireConnection[] {
    return this.#connections.map(wireConnection);
  }

  forget(isGone: (connection: WireConnection) => boolean): void {
    for (const connection of this.#connections) {
      if (!isGone(wireConnection(connection))) continue;
      connection.on_close();
      connection.release();
    }
    this.#pace.look();
  }

  close(): void {
    for (const connection of this.#connections) connection.release();
    this.#pace.look();
    this.#adapter.destroy();
  }

  get #connections(): V86TcpConnection[] {
    return Object.values(this.#adapter.tcp_conn);
  }

  /** Receives a frame of v86 for the guest. */
  #receive(frame: Uint8Array): void {
    this.#windows.apply(frame);
    this.#toGuest(frame);
  }

  /**
   * Resets a connection: the guest answers the probe, and v86 answers that with a reset that the
   * guest accepts.
   */
  #reset(connection: V86TcpConnection): void {
    connection.release();
    // Not the device's address, which reads as zeros while the guest's driver sets it up.
    this.#receive(tcpProbe(wireConnection(connection), macText(connection.hdest)));
    this.#pace.look();
  }

  #tendWisp(): void {
    tendWisp(this.#adapter, {
      broke: async (connection) => {
        await this.#pace.taken(connection);
        if (this.#connections.includes(connection)) this.#reset(connection);
      },
      dropAll: () => {
        for (const connection of this.#connections) this.#reset(connection);
      },
    });
  }

  /** Opens a connection to a port of the guest. */
  #connect(port: number, channel: MessagePort): void {
    const connection = this.#adapter.connect?.(port);
    const open = Object.entries(this.#adapter.tcp_conn);
    const tuple = open.find(([, each]) => each === connection)?.[0];
    if (!connection || tuple === undefined) throw new Error('this v86 made no connection');
    const window = this.#windows.open(
      () => ({ ...wireConnection(connection), acknowledged: connection.ack }),
      () => macText(connection.hdest),
    );
    serveGuestPort({ connection, channel, room: () => this.#pace.room(tuple), window });
  }
}

/** Closes the connection of a guest that sends no more and expects nothing. */
function endToo(connection: V86TcpConnection): void {
  connection.close();
  // v86 chose the next state when the answer was complete, before the guest had ended its side.
  if (connection.delayed_send_fin) connection.delayed_state = 'last-ack';
}

/**
 * Limit of waiting data for a wisp server, bytes and frames: beyond it the guest must send again,
 * as on any line.
 */
const toServerLimit = { bytes: 8 * 1024 * 1024, frames: 4096 };

const isFull = ({ wispws, congested_buffer }: V86NetworkAdapter): boolean =>
  (wispws?.bufferedAmount ?? 0) > toServerLimit.bytes ||
  (congested_buffer?.length ?? 0) > toServerLimit.frames;

/** Returns true for the first segment of a TCP connection: SYN without ACK. */
function opensConnection(frame: Uint8Array): boolean {
  const ip = 14;
  if (frame.length < ip + 40 || frame[12] !== 0x08 || frame[13] !== 0 || frame[ip + 9] !== 6)
    return false;
  const flags = frame[ip + ((frame[ip] ?? 0) & 15) * 4 + 13] ?? 0;
  return (flags & 0x12) === 0x02;
}

function wireConnection({ pdest, dport, psrc, sport, seq }: V86TcpConnection): WireConnection {
  return {
    guest: `${pdest.join('.')}:${dport}`,
    remote: `${psrc.join('.')}:${sport}`,
    sequence: seq,
  };
}

interface Adapter {
  adapter: V86NetworkAdapter;
  bus: V86Bus;
  adapterBus: V86Bus;
}

function makeAdapter(V86: V86Constructor, config: UserNetwork): Adapter {
  const relay = config.kind === 'fetch' ? 'fetch' : config.url.replace(/^ws(s?):/, 'wisp$1:');
  const options: V86Options = {
    // Never resolves: this V86 gets no CPU.
    wasm_fn: () => new Promise(() => undefined),
    memory_size: 0,
    vga_memory_size: 0,
    autostart: false,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    acpi: false,
    preserve_mac_from_state_image: false,
    net_device: {
      type: 'none',
      relay_url: relay,
      ...(config.kind === 'fetch' && config.corsProxy && { cors_proxy: config.corsProxy }),
    },
  };
  try {
    const emulator = new V86(options);
    const machine = { init: () => undefined } as unknown as V86Machine;
    emulator.v86 = machine;
    emulator.continue_init(machine, options).catch(() => undefined);
    const adapter = emulator.network_adapter;
    if (!adapter?.tcp_conn) throw new Error('this v86 made no network adapter');
    return { adapter, bus: emulator.emulator_bus, adapterBus: emulator.bus };
  } catch (cause) {
    throw HoldfastError.from(
      cause,
      'network-unavailable',
      `The network (${config.kind}) cannot be set up`,
    );
  }
}

/** Wisp's packet types for a stream that v86 assumes to exist. */
const wispData = 2;
const wispContinue = 3;
const wispClose = 4;
/** Reasons for a stream's end that are no failure: unspecified, and voluntary. */
const wispEnds: readonly (number | undefined)[] = [1, 2];

interface WispCare {
  /** Called when the server reports that a connection has failed. */
  broke(connection: V86TcpConnection): void;
  /** Called when the server itself is gone. */
  dropAll(): void;
}

/**
 * Corrects v86's handling of wisp. Packets for streams that are already closed make v86 throw. It
 * treats a failure as an end. It leaves a connection half open that the guest has ended. When
 * it loses the server, it does not end the guest's connections.
 */
function tendWisp(adapter: V86NetworkAdapter, { broke, dropAll }: WispCare): void {
  const process = adapter.process_incoming_wisp_frame;
  adapter.process_incoming_wisp_frame = function (frame) {
    const stream = new DataView(frame.buffer, frame.byteOffset).getUint32(1, true);
    const named = frame[0] === wispData || frame[0] === wispContinue;
    if (named && !adapter.connections?.[stream]) return;
    if (frame[0] === wispClose && !wispEnds.includes(frame[5])) {
      const all = Object.values(adapter.tcp_conn);
      const connection = all.find(({ stream_id }) => stream_id === stream);
      delete adapter.connections?.[stream];
      if (connection) broke(connection);
      return;
    }
    process?.call(this, frame);
  };
  const accept = adapter.on_tcp_connection;
  adapter.on_tcp_connection = function (connection, packet) {
    const isAccepted = accept?.call(this, connection, packet) ?? false;
    // Wisp ends both directions at once, and the server was notified.
    const { on_shutdown: notifyServer } = connection;
    connection.on_shutdown = () => {
      notifyServer.call(connection);
      queueMicrotask(() => endToo(connection));
    };
    return isAccepted;
  };
  const watch = () => {
    const socket = adapter.wispws;
    const reconnect = socket?.onclose;
    if (!socket) return;
    socket.onclose = (event) => {
      dropAll();
      // Its own flow control starts again with the next socket.
      adapter.connections = { 0: { congestion: 0 } };
      reconnect?.call(socket, event);
    };
  };
  const register = adapter.register_ws;
  adapter.register_ws = function (url) {
    register?.call(this, url);
    watch();
  };
  watch();
}
