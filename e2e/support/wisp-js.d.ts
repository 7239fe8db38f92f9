/** Types of the package, as far as the tests use it. It has no types of its own. */
declare module '@mercuryworkshop/wisp-js/server' {
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  /** A TCP connection as the server uses it. */
  interface TcpSocket {
    connect(): Promise<void>;
    /** @returns undefined at the end */
    recv(): Promise<Uint8Array | undefined>;
    send(data: Uint8Array): Promise<void>;
    close(): Promise<void>;
    pause(): void;
    resume(): void;
  }

  export const server: {
    options: Record<string, unknown>;
    routeRequest(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      options: { TCPSocket: new (hostname: string, port: number) => TcpSocket },
    ): void;
  };
  export const logging: { ERROR: number; set_level(level: number): void };
}
