/**
 * The sizes of the terminals that pages show, for the guest: a serial line does not tell. The agent in
 * the guest sets them, where there is one.
 */

import { agentConsole, agentGreeting } from '../guest/agent-console.ts';

/** A window that is being resized changes many times a second. */
const shortestPauseMs = 200;
/** What a greeting may be cut in two by. */
const keptTail = agentGreeting.length;

export interface TerminalSize {
  cols: number;
  rows: number;
}

interface TerminalGuest {
  /** Output of this console so far. */
  said(console: string): string;
  /** @throws HoldfastError while the guest can take nothing */
  consoleInput(console: string, bytes: Uint8Array): void;
}

/** The devices of a Linux guest. */
function deviceOf(console: string): string | undefined {
  const [, port] = /^serial([0-3])$/.exec(console) ?? [];
  if (port !== undefined) return `/dev/ttyS${port}`;
  return console === 'virtio-console0' ? '/dev/hvc0' : undefined;
}

const isSize = (count: number) => Number.isInteger(count) && count > 0 && count < 10_000;

export class TerminalSizes {
  readonly #guest: TerminalGuest;
  readonly #wanted = new Map<string, TerminalSize>();
  readonly #told = new Map<string, string>();
  #hasAgent = false;
  #tail = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #count = 0;

  constructor(guest: TerminalGuest) {
    this.#guest = guest;
  }

  /** A page shows this console so large. What is no size is left out. */
  set(console: string, { cols, rows }: TerminalSize): void {
    if (deviceOf(console) === undefined || !isSize(cols) || !isSize(rows)) return;
    this.#wanted.set(console, { cols, rows });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.tell();
    }, shortestPauseMs);
  }

  /** A console has said this: perhaps it is the agent, which is up. */
  heard(console: string, bytes: Uint8Array): void {
    if (console !== agentConsole || this.#hasAgent) return;
    const text = this.#tail + String.fromCharCode(...bytes.subarray(-4096));
    this.#tail = text.slice(-keptTail);
    if (!text.includes(agentGreeting)) return;
    this.#hasAgent = true;
    this.tell();
  }

  /** The guest begins anew. */
  reset(): void {
    this.#hasAgent = false;
    this.#tail = '';
    this.#told.clear();
  }

  /** The guest is another, or as it was another time. */
  restored(): void {
    this.reset();
    this.#hasAgent = this.#guest.said(agentConsole).includes(agentGreeting);
    this.tell();
  }

  /** Tells the guest what it has not been told. To be called again when it may take what it could not. */
  tell(): void {
    if (!this.#hasAgent) return;
    for (const [console, { cols, rows }] of this.#wanted) {
      const code = `stty -F ${deviceOf(console)} cols ${cols} rows ${rows}`;
      if (this.#told.get(console) === code) continue;
      // The line break before it ends whatever somebody was in the middle of when a state was taken.
      const line = `\nterminal-${++this.#count} ${btoa(code)}\n`;
      try {
        this.#guest.consoleInput(agentConsole, new TextEncoder().encode(line));
      } catch {
        return;
      }
      this.#told.set(console, code);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
