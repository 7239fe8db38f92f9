/** A TCP proxy that carries bytes at the rate and with the delay of a line. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Line {
  bitsPerSecond: number;
  /** There and back. */
  roundTripMs: number;
}

export interface ShapedLine {
  port: number;
  close(): Promise<void>;
}

/** Time of bytes that the line holds before its sender has to wait. */
const bufferMs = 50;

/** All connections share the line, each direction for itself. */
export async function shapedLine(
  toPort: number,
  { bitsPerSecond, roundTripMs }: Line,
): Promise<ShapedLine> {
  const bytesPerMs = bitsPerSecond / 8 / 1000;
  const ways = [
    new Way(bytesPerMs, roundTripMs / 2),
    new Way(bytesPerMs, roundTripMs / 2),
  ] as const;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: toPort, host: '127.0.0.1', noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    ways[0].carry(near, far);
    ways[1].carry(far, near);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Waiting {
  atMs: number;
  deliver(): void;
}

/** One direction of a line. */
class Way {
  readonly #bytesPerMs: number;
  readonly #delayMs: number;
  readonly #waiting: Waiting[] = [];
  #freeAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(bytesPerMs: number, delayMs: number) {
    this.#bytesPerMs = bytesPerMs;
    this.#delayMs = delayMs;
  }

  carry(from: Socket, to: Socket): void {
    from.on('data', (bytes: Buffer) => {
      const nowMs = performance.now();
      this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + bytes.length / this.#bytesPerMs;
      const aheadMs = this.#freeAtMs - nowMs;
      if (aheadMs > bufferMs) {
        from.pause();
        setTimeout(() => from.resume(), aheadMs - bufferMs);
      }
      this.#waiting.push({
        atMs: this.#freeAtMs + this.#delayMs,
        deliver: () => void (to.destroyed || to.write(bytes)),
      });
      this.#schedule();
    });
  }

  #schedule(): void {
    const [next] = this.#waiting;
    if (!next || this.#timer) return;
    this.#timer = setTimeout(() => this.#deliver(), Math.max(next.atMs - performance.now(), 0));
  }

  #deliver(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (let next = this.#waiting[0]; next && next.atMs <= nowMs; next = this.#waiting[0]) {
      this.#waiting.shift();
      next.deliver();
    }
    this.#schedule();
  }
}
