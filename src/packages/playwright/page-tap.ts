/** Runs in the page before its own scripts, and keeps the output of the guest's consoles. */

/** Name of the tap in the page. */
export interface TappedWindow {
  holdfastTap: {
    /** Output of a console from an offset on, and the offset after it. */
    read(console: string, from: number): { start: number; end: number; text: string };
    /** Calls back for new output until it returns true. */
    follow(console: string, listener: () => boolean): void;
    /**
     * Call before another machine replaces this one. Forgets the output of all consoles, and of this
     * machine, until each console begins anew.
     */
    clear(): void;
    /** Undoes {@link clear}: no other machine came. */
    cancelClear(): void;
  };
}

/**
 * The page attaches to its machine over a `MessageChannel`. A second listener on it sees every message to
 * the page, greeting included.
 *
 * Serialised into the page: it must not refer to this module.
 */
export function installTap(): void {
  interface Log {
    start: number;
    bytes: Uint8Array;
    length: number;
    listeners: Set<() => boolean>;
  }
  const logs = new Map<string, Log>();
  const logOf = (name: string): Log => {
    let log = logs.get(name);
    if (!log) {
      log = { start: 0, bytes: new Uint8Array(65_536), length: 0, listeners: new Set() };
      logs.set(name, log);
    }
    return log;
  };
  let isBeingReplaced = false;
  /** Consoles of the new machine that have begun. */
  const begun = new Set<string>();
  const add = (name: string, offset: number, bytes: Uint8Array) => {
    if (isBeingReplaced && !begun.has(name)) {
      if (offset > 0) return;
      begun.add(name);
    }
    const log = logOf(name);
    // After a reconnect or a gap, output may be repeated. Only new output counts.
    const at = offset - log.start;
    if (at < 0 || at > log.length) {
      log.start = offset;
      log.length = 0;
    } else {
      log.length = at;
    }
    const end = log.length + bytes.length;
    if (end > log.bytes.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(log.bytes.subarray(0, log.length));
      log.bytes = larger;
    }
    log.bytes.set(bytes, log.length);
    log.length = end;
    for (const listener of log.listeners) if (listener()) log.listeners.delete(listener);
  };
  const tap: TappedWindow['holdfastTap'] = {
    read(name, from) {
      const { start, bytes, length } = logOf(name);
      const begin = Math.min(Math.max(from - start, 0), length);
      const text = new TextDecoder().decode(bytes.slice(begin, length));
      return { start: start + begin, end: start + length, text };
    },
    follow(name, listener) {
      if (!listener()) logOf(name).listeners.add(listener);
    },
    clear() {
      for (const log of logs.values()) log.start = log.length = 0;
      isBeingReplaced = true;
      begun.clear();
    },
    cancelClear() {
      isBeingReplaced = false;
    },
  };
  Object.assign(window, { holdfastTap: tap });

  window.MessageChannel = class extends MessageChannel {
    constructor() {
      super();
      this.port1.addEventListener('message', ({ data }) => {
        if (data?.type === 'console') add(data.console, data.offset, data.bytes);
      });
    }
  };
}
