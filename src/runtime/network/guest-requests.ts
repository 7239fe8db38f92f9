/**
 * HTTP requests of a guest, collected within bounds. v86 keeps what has arrived of a request in one
 * buffer without a limit, and copies all of it for each segment; it also rejects where a request names
 * no URL, which would end a program in Node. Here it gets each request whole, or never.
 */

/** Of request line and headers, bytes. */
const headLimit = 64 * 1024;
/** Of the body of one request. */
const bodyLimit = 16 * 1024 * 1024;
/** Of all requests of a machine that have not arrived yet. */
const waitingLimit = 32 * 1024 * 1024;
/** Connections that the guest has open. */
const connectionLimit = 1024;

type Handle = (this: V86TcpConnection, bytes: Uint8Array) => unknown;

interface GuestRequests {
  /** Whether one more connection may be opened. */
  mayConnect(): boolean;
  /** Puts itself between a connection and what v86 answers with. */
  tend(connection: V86TcpConnection): void;
}

export function guestRequests(adapter: V86NetworkAdapter): GuestRequests {
  const collectors = new Map<V86TcpConnection, Collector>();
  const isOpen = new Set<V86TcpConnection>();
  const waitingBytes = () => {
    // Few connections wait at a time, and those that are gone count no more.
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

/** One request, from its first byte to its last. Each byte is copied twice and looked at once. */
class Collector {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  /** Line feeds after carriage returns in a row, as the end of the head has two. */
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

  /** @returns how many of `bytes` belong to the head, which ends with CR LF CR LF */
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

/** As v86 counts: other methods have no body. */
function bodyLength(head: string): number {
  if (!/^(put|post) /i.test(head)) return 0;
  const [, length = '0'] = /\r\ncontent-length:([^\r]*)\r\n/i.exec(head) ?? [];
  return Number.parseInt(length, 10) || 0;
}

/** Whether v86 makes URLs of request line and host. */
function namesUrl(head: string): boolean {
  const [, path = ''] = head.split('\r\n', 1)[0]?.split(' ') ?? [];
  return URL.canParse(/^https?:/.test(path) ? path : `http://host${path}`);
}
