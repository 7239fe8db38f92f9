import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A device in a relay room. */
export class RoomDevice {
  readonly socket: WebSocket;
  /** Text messages, as their objects. */
  readonly news: Record<string, unknown>[] = [];
  readonly received: Buffer[] = [];
  /** Resolves with the code of the end. */
  readonly ended: Promise<number>;
  /** Resolves with the status of a refusal. */
  readonly refused: Promise<number>;

  /** @param path behind `/states/` */
  constructor(url: string, path: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(new URL(path, url.replace('http', 'ws')), { headers });
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.received.push(data);
      else this.news.push(JSON.parse(data.toString()) as Record<string, unknown>);
    });
    this.ended = once(this.socket, 'close').then(([code]) => code as number);
    this.refused = once(this.socket, 'unexpected-response').then(([request, { statusCode }]) => {
      (request as { destroy(): void }).destroy();
      return statusCode as number;
    });
    this.refused.catch(() => {});
  }

  /** Resolves with a text message that has this key. */
  async told(key: string): Promise<unknown> {
    const found = () => this.news.find((one) => key in one)?.[key];
    while (found() === undefined) await once(this.socket, 'message');
    return found();
  }

  /** Resolves once this many bytes have arrived. */
  async got(sizeBytes: number): Promise<Buffer> {
    const count = () => this.received.reduce((sum, { length }) => sum + length, 0);
    while (count() < sizeBytes) await once(this.socket, 'message');
    return Buffer.concat(this.received);
  }
}

/** Opens a room, and joins it with a second device. */
export async function openRoom(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ id: string; opener: RoomDevice; joiner: RoomDevice }> {
  const opener = new RoomDevice(url, 'rooms', headers);
  const id = (await opener.told('room')) as string;
  const joiner = new RoomDevice(url, `rooms/${id}`, headers);
  await Promise.all([opener.told('joined'), joiner.told('joined')]);
  return { id, opener, joiner };
}
