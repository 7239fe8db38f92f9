import type { NetworkInfo } from '../../protocol/network.ts';
import type { MachineHost } from '../machine/machine-host.ts';
import {
  joinRelay,
  type RelayedWire,
  type RelayOptions,
  serveRelay,
  wireName,
} from './network-relay.ts';

/** The network of a machine that moves: at its former keeper, and at its new one. */
export class MachineNetwork {
  readonly #machine: MachineHost;
  #taken: { wire: RelayedWire; mac: string } | undefined;

  constructor(machine: MachineHost) {
    this.#machine = machine;
  }

  /** Takes the network out of the machine, which ends, if the guest has connections. */
  take(): void {
    try {
      this.#take();
    } catch (thrown) {
      // The guest runs elsewhere already.
      console.warn('Connections of the guest are cut:', thrown);
    }
  }

  #take(): void {
    const { backing, execution } = this.#machine;
    const wire = backing.kept.get(wireName) as RelayedWire | undefined;
    const { infoNetwork } = execution.instance.commands;
    const mac = (infoNetwork?.() as NetworkInfo | undefined)?.mac;
    if (!wire || mac === undefined || wire.connections().length === 0) return;
    this.#taken = { wire, mac };
    backing.kept.delete(wireName);
  }

  get isTaken(): boolean {
    return this.#taken !== undefined;
  }

  /** Relays what {@link take} took. Resolves when no connection is left. */
  async relay(port: MessagePort, options: RelayOptions = {}): Promise<void> {
    if (this.#taken) await serveRelay(this.#taken.wire, this.#taken.mac, port, options);
  }

  /** Relays frames of connections that began in the former keeper. */
  join(port: MessagePort, options: RelayOptions = {}): void {
    const { kept } = this.#machine.backing;
    const set = kept.set.bind(kept);
    // The runtime makes the network when it loads the guest's devices.
    kept.set = (name, value) => {
      if (name === wireName) joinRelay(value as RelayedWire, port, options);
      return set(name, value);
    };
  }
}
