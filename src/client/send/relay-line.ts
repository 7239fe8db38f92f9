/** This device's connection to a relay room of the state server. */
import { HoldfastError, unreachable } from '../../errors.ts';
import type { MessageSocket } from '../hosts/socket-transport.ts';

export interface RelayOptions {
  /** Address of a state server, which ends in `/states/`. */
  relay: string | URL;
  /** Opens a WebSocket. Default: the platform's own, which Node has since version 22. */
  webSocket?: (url: string) => MessageSocket;
}

interface LineListener {
  message(bytes: Uint8Array<ArrayBuffer>): void;
  /** Called once, after the last message. */
  gone(why: HoldfastError): void;
}

type News = { room?: unknown; joined?: unknown };

export class RelayLine {
  readonly #socket: MessageSocket;
  readonly #news: News = {};
  /** Messages from before {@link listen}. */
  #early: Uint8Array<ArrayBuffer>[] = [];
  #listener: LineListener | undefined;
  #end: HoldfastError | undefined;
  #changed: () => void = () => {};

  /** @param room that it joins; absent: it opens one */
  constructor({ relay, webSocket = ownWebSocket }: RelayOptions, room?: string) {
    const url = new URL(room === undefined ? 'rooms' : `rooms/${room}`, relay);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = webSocket(url.href);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    let wasOpen = false;
    socket.addEventListener('open', () => {
      wasOpen = true;
    });
    socket.addEventListener('message', ({ data }: { data: unknown }) => this.#arrived(data));
    // The event `close` follows.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', ({ code }: { code?: number }) =>
      this.#ended(wasOpen ? endOf(code ?? 0) : relayUnavailable(url)),
    );
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Resolves with what the server says under this name. @throws HoldfastError */
  async told(name: keyof News): Promise<unknown> {
    while (this.#news[name] === undefined) {
      if (this.#end) throw this.#end;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.#news[name];
  }

  /** Delivers what has arrived and what arrives from now on. */
  listen(listener: LineListener): void {
    this.#listener = listener;
    for (const bytes of this.#early.splice(0)) listener.message(bytes);
    if (this.#end) listener.gone(this.#end);
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#end) this.#socket.send(bytes);
  }

  close(): void {
    this.#socket.close();
  }

  #arrived(data: unknown): void {
    if (typeof data === 'string') {
      Object.assign(this.#news, newsOf(data));
      this.#changed();
    } else if (data instanceof ArrayBuffer) {
      const bytes = new Uint8Array(data);
      if (this.#listener) this.#listener.message(bytes);
      // Nothing but a greeting comes before this device listens.
      else if (this.#early.length < mostEarly) this.#early.push(bytes);
    }
  }

  #ended(why: HoldfastError): void {
    if (this.#end) return;
    this.#end = why;
    this.#changed();
    this.#listener?.gone(why);
  }
}

const mostEarly = 16;

function newsOf(text: string): News {
  try {
    const { room, joined } = JSON.parse(text) as News;
    return { ...(room !== undefined && { room }), ...(joined !== undefined && { joined }) };
  } catch {
    return {};
  }
}

function ownWebSocket(url: string): MessageSocket {
  if (typeof WebSocket === 'function') return new WebSocket(url);
  throw new HoldfastError(
    'bad-config',
    'This platform has no WebSocket. Pass the option "webSocket", such as (url) => new WebSocket(url) with the package ws.',
  );
}

const relayUnavailable = (url: URL) =>
  new HoldfastError(
    'relay-unavailable',
    `The relay at ${url.host} ${unreachable}, or does not serve this page.`,
  );

/** Ends of a room, see src/server/rooms/room-limits.ts. */
function endOf(code: number): HoldfastError {
  switch (code) {
    case 4404:
      return new HoldfastError(
        'bad-link',
        'This link is used up or has expired. It works once. Ask its sender for a new one.',
      );
    case 4409:
      return new HoldfastError(
        'bad-link',
        'Another device has opened this link already. Ask its sender for a new one.',
      );
    case 4408:
      return new HoldfastError('relay-unavailable', 'The link has expired. Make a new one.');
    case 4429:
      return new HoldfastError(
        'relay-unavailable',
        'The relay has no room now. Try again in some minutes.',
      );
    case 4413:
      return new HoldfastError(
        'migration-failed',
        'The relay carries no more bytes for this machine. Share it as a file.',
      );
    case 4410:
      return new HoldfastError('migration-failed', 'The other device has left.');
    case 1001:
      return new HoldfastError('migration-failed', 'The relay was shut down. Try again.');
    default:
      return new HoldfastError('migration-failed', 'The connection to the relay broke. Try again.');
  }
}
