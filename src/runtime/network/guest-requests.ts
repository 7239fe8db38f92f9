/**
 * Collects HTTP requests of a guest within limits. A partial request is one buffer without a
 * limit in v86, which copies all of it for each segment. It also rejects if a request names no
 * URL, which would end a program in Node. Here v86 gets each request whole, or not at all.
 */

/** Largest size of request line and headers, bytes. */
const headLimit = 64 * 1024;
/** Largest size of the body of one request. */
const bodyLimit = 16 * 1024 * 1024;
/** Largest size of all incomplete requests of a machine. */
const waitingLimit = 32 * 1024 * 1024;
/** Largest number of open connections of the guest. */
const connectionLimit = 1024;

type Handle = (this: V86TcpConnection, bytes: Uint8Array) => unknown;

interface GuestRequests {
  /** Returns true if another connection may be opened. */
  mayConnect(): boolean;
  /** Intercepts the data of a connection before v86's own handler. */
  tend(connection: V86TcpConnection): void;
}

export function guestRequests(adapter: V86NetworkAdapter): GuestRequests {
  const collectors = new Map<V86TcpConnection, Collector>();
  const isOpen = new Set<V86TcpConnection>();
  const waitingBytes = () => {
    // Few connections wait at a time; closed ones do not count.
    isOpen.clear();
    for (const connection of Object.values(adapter.tcp_conn)) isOpen.add(connection);
    let bytes = 0;
    for (const [connection, { waiting }] of collectors) {
      if (isOpen.has(connection)) bytes += waiting;
      else collectors.delete(connection);
    }
    return bytes;
  };
  const refuse = (connection: V86TcpConnection, status: string) => {
    collectors.delete(connection);
    connection.on('data', () => undefined);
    const text = `HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
    connection.write(new TextEncoder().encode(text));
    connection.close();
  };
  return {
    mayConnect: () => Object.keys(adapter.tcp_conn).length < connectionLimit,
    tend(connection) {
      const handle = connection.events_handlers?.data as Handle | undefined;
      if (!handle) return;
      connection.on('data', (bytes) => {
        const collector = collectors.get(connection) ?? new Collector();
        collectors.set(connection, collector);
        const outcome = collector.add(bytes);
        if (outcome.kind === 'refused') return refuse(connection, outcome.status);
        if (outcome.kind === 'waiting') {
          if (waitingBytes() > waitingLimit) refuse(connection, '503 Service Unavailable');
          return;
        }
        collectors.delete(connection);
        if (!namesUrl(outcome.head)) return refuse(connection, '400 Bad Request');
        Promise.resolve(handle.call(connection, outcome.request)).catch(() =>
          refuse(connection, '400 Bad Request'),
        );
      });
    },
  };
}

type Outcome =
  | { kind: 'waiting' }
  | { kind: 'whole'; head: string; request: Uint8Array }
  | { kind: 'refused'; status: string };

const waiting: Outcome = { kind: 'waiting' };

/** Collects one request. Each byte is copied twice and examined once. */
class Collector {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  /** Bytes matched of the end of the head: CR LF, twice. */
  #matched = 0;
  #head: { end: number; total: number; text: string } | undefined;

  get waiting(): number {
    return this.#bytes;
  }

  add(bytes: Uint8Array): Outcome {
    const before = this.#bytes;
    this.#parts.push(bytes.slice());
    this.#bytes += bytes.length;
    if (!this.#head) {
      const end = this.#endOfHead(bytes);
      if (end === undefined)
        return this.#bytes > headLimit ? refused('431 Request Header Fields Too Large') : waiting;
      const text = new TextDecoder('latin1').decode(this.#joined().subarray(0, before + end));
      const length = bodyLength(text);
      if (length > bodyLimit) return refused('413 Content Too Large');
      this.#head = { end: before + end, total: before + end + length, text };
    }
    if (this.#bytes < this.#head.total) return waiting;
    return { kind: 'whole', head: this.#head.text, request: this.#joined() };
  }

  /** @returns the number of `bytes` that belong to the head, which ends with CR LF CR LF */
  #endOfHead(bytes: Uint8Array): number | undefined {
    for (let at = 0; at < bytes.length; at++) {
      const expected = this.#matched % 2 === 0 ? 13 : 10;
      if (bytes[at] === expected) this.#matched++;
      else this.#matched = bytes[at] === 13 ? 1 : 0;
      if (this.#matched === 4) return at + 1;
    }
    return undefined;
  }

  #joined(): Uint8Array {
    const joined = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      joined.set(part, at);
      at += part.length;
    }
    this.#parts.splice(0, this.#parts.length, joined);
    return joined;
  }
}

const refused = (status: string): Outcome => ({ kind: 'refused', status });

/** Returns the length of the body by v86's rules: other methods have no body. */
function bodyLength(head: string): number {
  if (!/^(put|post) /i.test(head)) return 0;
  const [, length = '0'] = /\r\ncontent-length:([^\r]*)\r\n/i.exec(head) ?? [];
  return Number.parseInt(length, 10) || 0;
}

/** Returns true if v86 can make a URL of request line and host. */
function namesUrl(head: string): boolean {
  const [, path = ''] = head.split('\r\n', 1)[0]?.split(' ') ?? [];
  return URL.canParse(/^https?:/.test(path) ? path : `http://host${path}`);
}
