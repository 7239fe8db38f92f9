/** Types of the package, as far as the tests use it. It has no types of its own. */
declare module 'ws' {
  import { EventEmitter } from 'node:events';
  import type { AddressInfo } from 'node:net';

  /** Emits `message` with each binary message. */
  export class RelaySocket extends EventEmitter {
    send(data: Uint8Array): void;
    close(): void;
  }

  /** Emits `open`, and `message` with each message. */
  export class WebSocket extends EventEmitter {
    constructor(url: string);
    send(text: string): void;
    close(): void;
  }

  /** Emits `listening`, and `connection` with each {@link RelaySocket}. */
  export class WebSocketServer extends EventEmitter {
    constructor(options: { host: string; port: number });
    address(): AddressInfo;
    close(): void;
  }
}
