/** Types of the package, as far as the tests use it. It has no types of its own. */
declare module 'ws' {
  import { EventEmitter } from 'node:events';
  import type { AddressInfo } from 'node:net';

  /** Members of the web's `WebSocket` that both ends have. */
  class Socket extends EventEmitter {
    binaryType: string;
    readonly readyState: number;
    readonly bufferedAmount: number;
    send(data: Uint8Array | string): void;
    close(): void;
    addEventListener(type: string, listener: (event: never) => void): void;
    removeEventListener(type: string, listener: (event: never) => void): void;
  }

  /** Emits `message` with each binary message. */
  export class RelaySocket extends Socket {}

  /** Emits `open`, and `message` with each message. */
  export class WebSocket extends Socket {
    constructor(url: string);
  }

  /** Emits `listening`, and `connection` with each {@link RelaySocket}. */
  export class WebSocketServer extends EventEmitter {
    constructor(options: { host: string; port: number });
    address(): AddressInfo;
    close(): void;
  }
}
