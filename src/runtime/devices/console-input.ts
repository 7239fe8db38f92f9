/**
 * Input for the guest's consoles that their devices have not taken yet.
 *
 * A virtio console of v86 drops bytes for which it has no buffer. A serial port takes any amount
 * at once, which a guest then loses in its own line buffers. Here bytes wait, across runtimes.
 * After each slice of the guest, a device gets as much as it has room for.
 */

import { HoldfastError } from '../../errors.ts';
import { decodeValue, encodeValue } from '../../vmstate/value.ts';

/** Size of a 16550A's FIFO. */
const fifoBytes = 16;
/** Limit per console. Beyond it the guest does not read, or the sender ignores backpressure. */
const waitingLimit = 16 * 1024 * 1024;

/** @returns how many bytes it took, from the front */
type Device = (bytes: Uint8Array) => number;

export class ConsoleInput {
  readonly #devices: ReadonlyMap<string, Device>;
  readonly #waiting = new Map<string, Uint8Array>();

  constructor(cpu: V86Cpu, bus: V86Bus) {
    this.#devices = consoleDevices(cpu, bus);
  }

  /**
   * @throws {HoldfastError} `bad-config` if the machine has no such console, `busy` if too much
   * already waits for the guest
   */
  send(name: string, bytes: Uint8Array): void {
    if (!this.#devices.has(name))
      throw new HoldfastError('bad-config', `This machine has no console "${name}".`);
    const before = this.#waiting.get(name) ?? new Uint8Array(0);
    if (before.length + bytes.length > waitingLimit) {
      const advice =
        bytes.length > waitingLimit
          ? 'Send them in smaller parts.'
          : `${before.length} are not read yet: wait until they are.`;
      throw new HoldfastError(
        'busy',
        `At most ${waitingLimit} bytes can wait for the guest at ${name}, and these are ${bytes.length} more. ${advice}`,
      );
    }
    const all = new Uint8Array(before.length + bytes.length);
    all.set(before);
    all.set(bytes, before.length);
    this.#waiting.set(name, all);
    this.pump();
  }

  /** Call this after each slice of the guest. @returns true if the guest got input. */
  pump(): boolean {
    let delivered = false;
    for (const [name, bytes] of this.#waiting) {
      const taken = this.#devices.get(name)?.(bytes) ?? bytes.length;
      if (taken === 0) continue;
      delivered = true;
      if (taken < bytes.length) this.#waiting.set(name, bytes.subarray(taken));
      else this.#waiting.delete(name);
    }
    return delivered;
  }

  /** Drops all waiting bytes: they were for the guest before a reset. */
  clear(): void {
    this.#waiting.clear();
  }

  /**
   * @param ps2 stored in the section like a console: older runtimes ignore it
   * @returns the section `console.input`, undefined if nothing waits
   */
  save(ps2?: Uint8Array): Uint8Array | undefined {
    const waiting = [...this.#waiting, ...(ps2 ? ([[ps2Name, ps2]] as const) : [])];
    if (waiting.length === 0) return undefined;
    const marked = waiting.map(([name, bytes]) => {
      const out = new Uint8Array(bytes.length + 1);
      out.set(bytes);
      out[bytes.length] = endMark;
      return [name, out] as const;
    });
    return encodeValue(Object.fromEntries(marked));
  }

  load(waiting: WaitingInput): void {
    for (const [name, bytes] of waiting) if (name !== ps2Name) this.#waiting.set(name, bytes);
  }
}

/** Name in the section for keys and mouse, see ps2-state.ts. No console has this name. */
export const ps2Name = 'ps2';

/** Waiting bytes by console. */
export type WaitingInput = ReadonlyMap<string, Uint8Array>;

/** Added after the bytes in a vmstate, because values drop zeros at the end. */
const endMark = 1;

/**
 * @param bytes the result of {@link ConsoleInput.save}
 * @throws {HoldfastError} `bad-vmstate`
 */
export function parseConsoleInput(bytes: Uint8Array): WaitingInput {
  const consoles = decodeValue(bytes, 2 * bytes.length + 1024);
  if (typeof consoles !== 'object' || consoles === null || Array.isArray(consoles)) throw damaged();
  return new Map(
    Object.entries(consoles).map(([name, waiting]) => {
      if (!(waiting instanceof Uint8Array) || waiting.at(-1) !== endMark) throw damaged();
      return [name, waiting.subarray(0, -1)];
    }),
  );
}

const damaged = () =>
  new HoldfastError('bad-vmstate', 'The vmstate has no console input where it should have some.');

function consoleDevices({ devices }: V86Cpu, bus: V86Bus): Map<string, Device> {
  const found = new Map<string, Device>();
  const uarts = [devices.uart0, devices.uart1, devices.uart2, devices.uart3];
  for (const [port, uart] of uarts.entries()) {
    if (!uart) continue;
    found.set(`serial${port}`, (bytes) => {
      const count = Math.max(0, Math.min(bytes.length, fifoBytes - uart.input.length));
      for (const byte of bytes.subarray(0, count)) bus.send(`serial${port}-input`, byte);
      return count;
    });
  }
  const { virtio_console } = devices;
  if (virtio_console) found.set('virtio-console0', (bytes) => fillBuffers(virtio_console, bytes));
  return found;
}

/** The receive queue of port 0. */
const receiveQueue = 0;

/** Fills the buffers that the guest has posted. */
function fillBuffers(device: V86VirtioConsole, bytes: Uint8Array): number {
  const queue = device.virtio.queues[receiveQueue];
  let taken = 0;
  while (queue?.is_configured() && queue.has_request() && taken < bytes.length) {
    const buffer = queue.pop_request();
    const part = bytes.subarray(taken, taken + buffer.length_writable);
    device.Send(receiveQueue, buffer, part);
    taken += part.length;
  }
  return taken;
}
