/** Relay rooms: two devices that cannot reach each other send a machine through one. */
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Client } from '../client.ts';
import { type ClientCounts, clientCounts } from '../client-counts.ts';
import { requireOrigin } from '../cors.ts';
import { requireHost } from '../hosts.ts';
import { HttpError, notFound } from '../http.ts';
import type { StateServerOptions } from '../options.ts';
import type { RateLimits } from '../rate-limits.ts';
import { Room } from './room.ts';
import { mostMessageBytes, mostPieces, roomEnd } from './room-limits.ts';

/** `/states/rooms` opens a room, `/states/rooms/ID` joins it. */
const roomPath = /^\/states\/rooms(?:\/([0-9a-f]{32}))?$/;

/**
 * Rooms of this process. A device opens one and gets a text message `{ room: ID }`. Both get
 * `{ joined: true }` once the second one is there. Every other message is binary, and is passed on.
 */
export class Rooms {
  readonly #options: StateServerOptions;
  readonly #limits: RateLimits;
  readonly #rooms = new Map<string, Room>();
  readonly #perClient: ClientCounts;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: mostMessageBytes,
    maxFragments: mostPieces,
    maxBufferedChunks: mostPieces,
    // Encrypted bytes do not get smaller.
    perMessageDeflate: false,
  });

  constructor(options: StateServerOptions, limits: RateLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#perClient = clientCounts(options.maxRoomsPerClient);
  }

  /** Takes a connection that is to become a WebSocket. Never rejects. */
  async upgrade(
    client: Client,
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
  ): Promise<void> {
    stream.on('error', () => stream.destroy());
    try {
      const id = await this.#check(client, request);
      this.#sockets.handleUpgrade(request, stream, head, (socket) => {
        if (id === undefined) this.#open(client, socket);
        else this.#join(id, socket);
      });
    } catch (error) {
      if (!(error instanceof HttpError)) console.error('State server:', error);
      refuse(stream, error);
    }
  }

  close(): void {
    for (const room of this.#rooms.values())
      room.end(roomEnd.shutdown, 'The state server was shut down.');
    this.#sockets.close();
  }

  /** @returns the id in the path, if any. @throws HttpError */
  async #check(client: Client, request: IncomingMessage): Promise<string | undefined> {
    requireHost(this.#options.hosts, request);
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const found = roomPath.exec(path);
    if (!found || this.#options.maxRooms === 0) throw notFound();
    // Browsers apply no CORS to a WebSocket.
    requireOrigin(this.#options, request);
    await this.#limits.request(client);
    if (found[1] === undefined) await this.#limits.room(client);
    return found[1];
  }

  #open(client: Client, socket: WebSocket): void {
    const isFull = this.#rooms.size >= this.#options.maxRooms;
    const leave = isFull ? undefined : this.#perClient.enter(client);
    if (!leave) {
      const whose = isFull ? 'The state server' : 'This address';
      turnAway(socket, roomEnd.tooMany, `${whose} has too many rooms. Try again later.`);
      return;
    }
    const id = randomBytes(16).toString('hex');
    const room = new Room(id, socket, this.#options, () => {
      this.#rooms.delete(id);
      leave();
    });
    this.#rooms.set(id, room);
  }

  #join(id: string, socket: WebSocket): void {
    const room = this.#rooms.get(id);
    if (!room) turnAway(socket, roomEnd.noRoom, 'There is no such room, or it has ended.');
    else if (room.isFull) turnAway(socket, roomEnd.full, 'Two devices are in this room.');
    else room.join(socket);
  }
}

/** A page can read the code of a WebSocket that was open. It cannot read the status of a refusal. */
function turnAway(socket: WebSocket, code: number, why: string): void {
  socket.on('error', () => {});
  socket.close(code, why);
}

function refuse(stream: Duplex, error: unknown): void {
  const { status, code, message, headers } =
    error instanceof HttpError ? error : new HttpError(500, 'failed', 'The server failed.');
  const body = JSON.stringify({ error: code, message });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  // A client that keeps its half open would hold the connection.
  stream.once('finish', () => stream.destroy());
  stream.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
