import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { waitingBytes } from './room-limits.ts';
import { RoomPeer } from './room-peer.ts';

/** A connection whose bytes wait until {@link drain}. */
class FakeSocket extends EventEmitter {
  bufferedAmount = 0;
  readonly terminate = vi.fn();
  readonly ping = vi.fn();
  readonly pause = vi.fn();
  readonly resume = vi.fn();
  #sent = () => {};

  send(bytes: Buffer, _options: object, sent: () => void): void {
    this.bufferedAmount += bytes.length;
    this.#sent = sent;
  }

  drain(): void {
    this.bufferedAmount = 0;
    this.#sent();
  }
}

function peer() {
  const socket = new FakeSocket();
  const listener = { message() {}, delivered() {}, left() {} };
  return { socket, peer: new RoomPeer(socket as unknown as WebSocket, listener) };
}

test('[SR7] a device that was not read for a while is not taken for a dead one', () => {
  const [source, reader] = [peer(), peer()];
  source.peer.ping();
  // The answer arrives while the source is not read.
  reader.peer.send(Buffer.alloc(waitingBytes.most), source.peer);
  expect(source.socket.pause).toHaveBeenCalledOnce();
  reader.socket.drain();
  expect(source.socket.resume).toHaveBeenCalledOnce();
  source.peer.ping();
  expect(source.socket.terminate).not.toHaveBeenCalled();
  // It has been read since.
  source.peer.ping();
  expect(source.socket.terminate).toHaveBeenCalledOnce();
});
