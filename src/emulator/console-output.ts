/** What the guest writes to its consoles, on the way to the keeper. */
import type { RuntimeHost } from '../protocol/abi.ts';

/** From here on `host` hears of everything that the devices on `bus` send. */
export function connectConsoleOutput(bus: V86Bus, host: RuntimeHost): void {
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
}

/** Bytes the guest writes one at a time leave in one piece a turn. */
class ConsoleOutput {
  readonly #host: RuntimeHost;
  readonly #pending = new Map<string, number[]>();
  #scheduled = false;

  constructor(host: RuntimeHost) {
    this.#host = host;
  }

  byte(name: string, byte: number): void {
    const pending = this.#pending.get(name);
    if (pending) pending.push(byte);
    else this.#pending.set(name, [byte]);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#flush());
  }

  bytes(name: string, bytes: Uint8Array): void {
    for (const byte of bytes) this.byte(name, byte);
  }

  #flush(): void {
    this.#scheduled = false;
    for (const [name, bytes] of this.#pending)
      this.#host.consoleOutput(name, Uint8Array.from(bytes));
    this.#pending.clear();
  }
}
