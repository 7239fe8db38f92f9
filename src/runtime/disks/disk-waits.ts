import type { RuntimeHost } from '../../protocol/abi.ts';
import type { MachineEvent } from '../../protocol/events.ts';

const keptAs = 'disks.waits';

/**
 * The drives whose server or file keeps the guest waiting, as pages see it. The next runtime takes
 * them over.
 */
export class DiskWaits {
  readonly #host: RuntimeHost;
  readonly #messages: Map<string, string>;

  constructor(host: RuntimeHost) {
    this.#host = host;
    const kept = host.kept.get(keptAs) as Map<string, string> | undefined;
    this.#messages = kept ?? new Map();
    host.kept.set(keptAs, this.#messages);
  }

  begin(device: string, message: string): void {
    if (this.#messages.has(device)) return;
    this.#messages.set(device, message);
    this.#host.emit(waiting(device, message));
  }

  /** Ends the wait for this drive. */
  end(device: string): void {
    if (!this.#messages.delete(device)) return;
    const message = `The guest no longer waits for ${device}.`;
    this.#host.emit({ type: 'disk', device, state: 'ready', message });
  }

  failed(device: string, message: string): void {
    this.#messages.delete(device);
    this.#host.emit({ type: 'disk', device, state: 'failed', message });
  }

  /** Returns the waits for a new page. */
  describe(): MachineEvent[] {
    return [...this.#messages].map(([device, message]) => waiting(device, message));
  }
}

const waiting = (device: string, message: string): MachineEvent => ({
  type: 'disk',
  device,
  state: 'waiting',
  message,
});
