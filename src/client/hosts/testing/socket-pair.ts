/** Connections between two hosts, in one process. */
import type { MessageSocket } from '../socket-transport.ts';

/** A WebSocket or data channel whose other end is another one. Messages are copied, and arrive in a later task. */
export class FakeSocket extends EventTarget implements MessageSocket {
  binaryType = 'blob';
  readyState: number | string = 'connecting';
  /** Bytes that {@link send} keeps until {@link drain}. */
  holds = false;
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  largestMessageBytes = 0;
  other: FakeSocket | undefined;
  readonly #held: unknown[] = [];

  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  send(data: Uint8Array<ArrayBuffer> | string): void {
    if (this.readyState !== 'open') throw new Error('not open');
    this.largestMessageBytes = Math.max(this.largestMessageBytes, data.length);
    const copy = typeof data === 'string' ? data : data.slice().buffer;
    if (this.holds) {
      this.bufferedAmount += data.length;
      this.#held.push(copy);
    } else this.#pass(copy);
  }

  /** Sends what it holds, as a network that works again. */
  drain(): void {
    this.holds = false;
    this.bufferedAmount = 0;
    for (const data of this.#held.splice(0)) this.#pass(data);
    this.dispatchEvent(new Event('bufferedamountlow'));
  }

  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    setTimeout(() => this.dispatchEvent(new Event('close')));
    const { other } = this;
    setTimeout(() => other?.close());
  }

  #pass(data: unknown): void {
    const { other } = this;
    setTimeout(() => other?.dispatchEvent(Object.assign(new Event('message'), { data })));
  }
}

/** Two ends of a connection, which is open. */
export function socketPair(): [FakeSocket, FakeSocket] {
  const [a, b] = [new FakeSocket(), new FakeSocket()];
  a.other = b;
  b.other = a;
  for (const one of [a, b]) one.open();
  return [a, b];
}
