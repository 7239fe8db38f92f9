/** A state file over a socket to another device. */
import { HoldfastError } from '../../errors.ts';
import { type MessageSocket, SocketTransport } from '../hosts/socket-transport.ts';
import { frameBytes } from '../hosts/transport.ts';

/** First byte of a frame. `taken`: the receiver has taken another {@link takenBytes}. */
const kinds = { part: 0, last: 1, taken: 2 } as const;
const takenBytes = 1 << 20;
/** Bytes under way that the receiver has not taken: its decryption may be slower than the relay. */
const windowBytes = 8 * takenBytes;
const roomMs = 10;

const broken = (why: string) =>
  new HoldfastError('migration-failed', `The machine did not arrive: ${why}`);

/** Resolves once all of the stream has left this device. @throws HoldfastError `migration-failed` */
export async function sendStateFile(
  socket: MessageSocket,
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const transport = new SocketTransport(socket);
  const over = new AbortController();
  let untakenBytes = 0;
  transport.open({
    received: ([kind]) => {
      if (kind === kinds.taken) untakenBytes -= takenBytes;
    },
    room: () => {},
    gone: (why) => over.abort(broken(why)),
  });
  const until = async (isTrue: () => boolean) => {
    for (;;) {
      signal.throwIfAborted();
      over.signal.throwIfAborted();
      if (isTrue()) return;
      await new Promise((resolve) => setTimeout(resolve, roomMs));
    }
  };
  const send = async (kind: number, bytes: Uint8Array) => {
    await until(() => transport.hasRoom && untakenBytes < windowBytes);
    const frame = new Uint8Array(1 + bytes.length);
    frame[0] = kind;
    frame.set(bytes, 1);
    untakenBytes += frame.length;
    transport.send(frame);
  };
  for await (const chunk of stream)
    for (let at = 0; at < chunk.length; at += frameBytes - 1)
      await send(kinds.part, chunk.subarray(at, at + frameBytes - 1));
  await send(kinds.last, new Uint8Array());
  await until(() => transport.isFlushed);
}

/**
 * Listens at once. The stream fails with `migration-failed` if the connection ends before the file.
 * @param mostBytes more end it
 */
export function receiveStateFile(
  socket: MessageSocket,
  mostBytes: number,
  onBytes: (sizeBytes: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const transport = new SocketTransport(socket);
  let arrivedBytes = 0;
  let saidBytes = 0;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      let isOver = false;
      const fail = (why: string) => {
        if (isOver) return;
        isOver = true;
        controller.error(broken(why));
      };
      transport.open({
        room: () => {},
        gone: fail,
        received: (frame) => {
          if (isOver) return;
          arrivedBytes += frame.length;
          onBytes(arrivedBytes);
          while (arrivedBytes - saidBytes >= takenBytes) {
            saidBytes += takenBytes;
            if (transport.hasRoom) transport.send(Uint8Array.of(kinds.taken));
          }
          if (arrivedBytes > mostBytes) fail('it is larger than a machine may be.');
          else if (frame[0] === kinds.part) controller.enqueue(frame.slice(1));
          else if (frame[0] === kinds.last) {
            isOver = true;
            controller.close();
          } else fail('the other device sent an unknown frame.');
        },
      });
    },
    cancel: () => transport.close(),
  });
}
