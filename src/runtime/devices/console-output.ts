/** Output of the guest's consoles, on its way to the keeper. */
import type { RuntimeHost } from '../../protocol/abi.ts';

/** Forwards all console output of the devices on `bus` to `host`. */
export function connectConsoleOutput(bus: V86Bus, host: RuntimeHost): ConsoleOutput {
  const output = new ConsoleOutput(host);
  for (const port of [0, 1, 2, 3])
    bus.register(
      `serial${port}-output-byte`,
      (byte: number) => output.byte(`serial${port}`, byte),
      output,
    );
  bus.register(
    'virtio-console0-output-bytes',
    (bytes: Uint8Array) => output.bytes('virtio-console0', bytes),
    output,
  );
  return output;
}

/** Longest piece, bytes. */
const pieceBytes = 64 * 1024;
/** Size of a short answer, sent at once. For more output, fewer messages matter more. */
const shortBytes = 512;

interface Pending {
  bytes: Uint8Array<ArrayBuffer>;
  length: number;
}

/** Collects bytes that the guest writes one at a time into one piece a turn. */
export class ConsoleOutput {
  readonly #host: RuntimeHost;
  readonly #pending = new Map<string, Pending>();
  #scheduled = false;

  constructor(host: RuntimeHost) {
    this.#host = host;
  }

  byte(name: string, byte: number): void {
    const pending = this.#room(name);
    pending.bytes[pending.length++] = byte;
    if (pending.length === pieceBytes) this.#send(name, pending);
    this.#schedule();
  }

  /** Sends a piece that a device wrote whole, after the pending bytes of the same console. */
  bytes(name: string, bytes: Uint8Array): void {
    const pending = this.#pending.get(name);
    if (pending) this.#send(name, pending);
    if (bytes.length > 0) this.#host.consoleOutput(name, bytes.slice());
  }

  /** Sends short output before the turn ends. Call this a few times a turn. */
  sendShort(): void {
    if (!this.#scheduled) return;
    for (const [name, pending] of this.#pending)
      if (pending.length <= shortBytes) this.#send(name, pending);
  }

  #room(name: string): Pending {
    let pending = this.#pending.get(name);
    if (!pending) {
      pending = { bytes: new Uint8Array(256), length: 0 };
      this.#pending.set(name, pending);
    }
    if (pending.length < pending.bytes.length) return pending;
    const larger = new Uint8Array(pending.bytes.length * 2);
    larger.set(pending.bytes);
    pending.bytes = larger;
    return pending;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      for (const [name, pending] of this.#pending) this.#send(name, pending);
    });
  }

  #send(name: string, pending: Pending): void {
    if (pending.length > 0) this.#host.consoleOutput(name, pending.bytes.slice(0, pending.length));
    pending.length = 0;
  }
}
