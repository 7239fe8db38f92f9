/**
 * Sizes of the terminals that pages show, for the guest: a serial line does not carry them. An
 * agent in the guest sets them.
 */

import { agentConsole, agentGreeting } from '../guest/agent-console.ts';

/** The size changes many times a second while a window is being resized. */
const shortestPauseMs = 200;
/** Length of a greeting that two outputs may split. */
const keptTail = agentGreeting.length;

export interface TerminalSize {
  cols: number;
  rows: number;
}

interface TerminalGuest {
  /** Output of this console so far. */
  output(console: string): string;
  /** @throws HoldfastError while the guest can take no input */
  consoleInput(console: string, bytes: Uint8Array): void;
}

/** Returns the device of a console in a Linux guest. */
function deviceOf(console: string): string | undefined {
  const [, port] = /^serial([0-3])$/.exec(console) ?? [];
  if (port !== undefined) return `/dev/ttyS${port}`;
  return console === 'virtio-console0' ? '/dev/hvc0' : undefined;
}

const isSize = (count: number) => Number.isInteger(count) && count > 0 && count < 10_000;

export class TerminalSizes {
  readonly #guest: TerminalGuest;
  readonly #wanted = new Map<string, TerminalSize>();
  readonly #sentCodes = new Map<string, string>();
  #hasAgent = false;
  #tail = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #count = 0;

  constructor(guest: TerminalGuest) {
    this.#guest = guest;
  }

  /** Sets the size at which a page shows this console. Invalid sizes are ignored. */
  set(console: string, { cols, rows }: TerminalSize): void {
    if (deviceOf(console) === undefined || !isSize(cols) || !isSize(rows)) return;
    this.#wanted.set(console, { cols, rows });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.sendSizes();
    }, shortestPauseMs);
  }

  /** Checks console output for the agent's greeting. */
  received(console: string, bytes: Uint8Array): void {
    if (console !== agentConsole || this.#hasAgent) return;
    const text = this.#tail + String.fromCharCode(...bytes.subarray(-4096));
    this.#tail = text.slice(-keptTail);
    if (!text.includes(agentGreeting)) return;
    this.#hasAgent = true;
    this.sendSizes();
  }

  /** Starts again when the guest boots. */
  reset(): void {
    this.#hasAgent = false;
    this.#tail = '';
    this.#sentCodes.clear();
  }

  /** Starts again when the guest was replaced or restored. */
  restored(): void {
    this.reset();
    this.#hasAgent = this.#guest.output(agentConsole).includes(agentGreeting);
    this.sendSizes();
  }

  /** Sends new sizes to the guest. Call it again when the guest may be able to take input. */
  sendSizes(): void {
    if (!this.#hasAgent) return;
    for (const [console, { cols, rows }] of this.#wanted) {
      const code = `stty -F ${deviceOf(console)} cols ${cols} rows ${rows}`;
      if (this.#sentCodes.get(console) === code) continue;
      // The line break ends any input that was incomplete when a state was taken.
      const line = `\nterminal-${++this.#count} ${btoa(code)}\n`;
      try {
        this.#guest.consoleInput(agentConsole, new TextEncoder().encode(line));
      } catch {
        return;
      }
      this.#sentCodes.set(console, code);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
