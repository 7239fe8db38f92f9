/** A runtime's part of the machine's network: it plugs its device into the wire while it runs. */

import { HoldfastError } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import type { MachineConfig, NetworkBackend } from '../../protocol/config.ts';
import type { Blocker, CprMode } from '../../protocol/cpr.ts';
import type { NetworkInfo } from '../../protocol/network.ts';
import type { NetworkSection } from '../../vmstate/sections.ts';
import { inBrowserHub, webSocketRelay } from './frame-backends.ts';
import { nicOf } from './nic.ts';
import { tcpProbe } from './tcp-probe.ts';
import { userNetwork } from './user-network.ts';
import { type Backend, frameLimit, makeWire, type Wire, type WireEnd } from './wire.ts';
import type { WireConnection } from './wire-connection.ts';

const keptAs = 'network.wire';
const none: NetworkBackend = { kind: 'none' };

interface NetworkOptions {
  host: RuntimeHost;
  V86: V86Constructor;
  cpu: V86Cpu;
  bus: V86Bus;
  /** Wakes an idle guest, so that it checks its devices. */
  wake(): void;
}

export class Network {
  readonly #options: NetworkOptions;
  readonly #nic: WireEnd | undefined;
  readonly #wire: Wire | undefined;
  /** Connections that exist in the guest but not on the wire. */
  #orphans: readonly WireConnection[] = [];

  /**
   * @throws {HoldfastError} `network-unavailable` if the machine's first backend cannot be created.
   */
  constructor(options: NetworkOptions) {
    this.#options = options;
    const { host, V86, cpu, bus, wake } = options;
    const nic = nicOf({ cpu, bus });
    if (!nic) return;
    this.#wire = keptWire(host, V86);
    const wire = this.#wire;
    if (!wire) return;
    bus.register(
      'net0-send',
      // No copy of frames that are dropped anyway: a guest may send thousands of them in a turn.
      (frame: Uint8Array<ArrayBuffer>) =>
        wire.send(frame.length > frameLimit ? frame : frame.slice()),
      this,
    );
    this.#nic = {
      get mac() {
        return nic.mac;
      },
      receive(frame) {
        const received = nic.receive(frame);
        if (received) wake();
        return received;
      },
    };
  }

  /** Connects the device: the guest runs from now on. */
  run(): void {
    if (!this.#wire || !this.#nic) return;
    this.#wire.plug(this.#nic);
    for (const orphan of this.#orphans) this.#wire.inject(tcpProbe(orphan, this.#nic.mac));
    this.#orphans = [];
  }

  /** Disconnects the device: the guest is stopped, and this runtime would resume it. */
  stop(): void {
    this.#wire?.unplug(() => this.#options.host.wakeup?.('network'));
  }

  /** Call this after each slice of the guest. @returns true if the guest got frames. */
  drain(): boolean {
    return this.#wire?.waiting ? this.#wire.drain() : false;
  }

  info(): NetworkInfo {
    const { host, cpu, bus } = this.#options;
    const wire = this.#wire;
    const mac = nicOf({ cpu, bus })?.mac;
    return {
      device: host.config.network,
      ...(mac !== undefined && { mac }),
      backend: host.config.networkBackend ?? none,
      connections: (wire?.connections() ?? []).map(({ guest, remote }) => ({ guest, remote })),
      waiting: wire?.waiting ?? 0,
      ...(wire?.counters ?? { framesOut: 0, bytesOut: 0, framesIn: 0, bytesIn: 0, dropped: 0 }),
    };
  }

  /**
   * Opens a TCP connection to a port of the guest, and sends its events to `channel`.
   * @throws {HoldfastError} `network-unavailable` if the backend does not support it
   */
  open(port: number, channel: MessagePort): void {
    if (this.#wire?.open?.(port, channel)) return;
    const { kind } = this.#options.host.config.networkBackend ?? none;
    channel.close();
    throw new HoldfastError(
      'network-unavailable',
      `Ports of the guest can be reached over the network backend "fetch" only; this machine has "${kind}".`,
    );
  }

  blockers(mode: CprMode): Blocker[] {
    if (mode !== 'reboot') return [];
    const { onlyCprCapable, networkBackend = none } = this.#options.host.config;
    const blocker = (message: string): Blocker[] => [
      { code: 'network-cannot-follow', device: 'net0', message },
    ];
    const open = this.#wire?.connections().length ?? 0;
    if (open > 0) {
      const what = open === 1 ? '1 connection' : `${open} connections`;
      return blocker(
        `${what} of the guest would be cut, because the other end is in this worker. Let the guest finish or close them first.`,
      );
    }
    // Checked before there are any connections.
    if (onlyCprCapable && (networkBackend.kind === 'fetch' || networkBackend.kind === 'wisp'))
      return blocker(
        `Connections of the guest over ${networkBackend.kind} end in this worker, and would be cut. Use another backend, or none.`,
      );
    return [];
  }

  /** Returns the state for a runtime without this wire; undefined if there is none. */
  save(): NetworkSection | undefined {
    const connections = this.#wire?.connections() ?? [];
    return connections.length ? { connections } : undefined;
  }

  /** Drops all connections after a reset of the guest. */
  reset(): void {
    this.#orphans = [];
    this.#wire?.forget?.(() => true);
  }

  /** @param section the result of {@link save} */
  load({ connections }: NetworkSection): void {
    const name = ({ guest, remote }: WireConnection) => `${guest} ${remote}`;
    const known = new Map(connections.map((each) => [name(each), each.sequence]));
    // A guest that was restored to an earlier moment lacks later data, so that stream is broken.
    this.#wire?.forget?.((each) => known.get(name(each)) !== each.sequence);
    // On their original wire, the other connections still exist.
    const open = new Set(this.#wire?.connections().map(name));
    this.#orphans = connections.filter((connection) => !open.has(name(connection)));
  }
}

function keptWire(host: RuntimeHost, V86: V86Constructor): Wire | undefined {
  const kept = host.kept.get(keptAs) as Wire | undefined;
  if (kept) return kept;
  const config = host.config.networkBackend ?? none;
  if (config.kind === 'none') return undefined;
  const wire = makeWire((receive) => connect(V86, config, receive));
  host.kept.set(keptAs, wire);
  return wire;
}

function connect(
  V86: V86Constructor,
  config: Exclude<NetworkBackend, { kind: 'none' }>,
  receive: (frame: Uint8Array) => void,
): Backend {
  switch (config.kind) {
    case 'fetch':
    case 'wisp':
      return userNetwork(V86, config, receive);
    case 'inbrowser':
      return inBrowserHub(config.group, receive);
    case 'wsproxy':
      return webSocketRelay(config.url, receive);
  }
}

const schemes: Partial<Record<NetworkBackend['kind'], RegExp>> = {
  wisp: /^(wisp|ws)s?:$/,
  wsproxy: /^wss?:$/,
};

/** @throws {HoldfastError} `bad-config` */
export function checkNetwork({ networkBackend, mac }: MachineConfig): void {
  if (mac !== undefined && !/^([\da-f]{2}:){5}[\da-f]{2}$/i.test(mac))
    throw new HoldfastError(
      'bad-config',
      `"${mac}" is no MAC address: write it as 00:22:15:aa:bb:cc.`,
    );
  const scheme = networkBackend && schemes[networkBackend.kind];
  if (!scheme || !('url' in networkBackend)) return;
  const url = URL.canParse(networkBackend.url) ? new URL(networkBackend.url) : undefined;
  if (!url || !scheme.test(url.protocol))
    throw new HoldfastError(
      'bad-config',
      `"${networkBackend.url}" is no address of a ${networkBackend.kind} server: it begins with ${networkBackend.kind === 'wisp' ? 'wisp:// or wisps://' : 'ws:// or wss://'}.`,
    );
}
