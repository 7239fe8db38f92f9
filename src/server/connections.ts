/** What connections may cost: how many there are, and how long one may stand still. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface ConnectionLimits {
  /** Open at once. */
  maxConnections: number;
  /** Of one address, other than this computer's own: a proxy's are all its clients'. */
  maxConnectionsPerAddress: number;
  /** A body or an answer that moves less than {@link stallBytes} in this time is broken off. */
  stallMs: number;
}

/** Slower lines than this (270 bytes a second in a minute) hold a connection for nothing. */
export const stallBytes = 16 * 1024;
const headersMs = 20_000;

/** A request under way, and what had moved when its time began. */
interface Watched {
  request: IncomingMessage;
  response: ServerResponse;
  phase: string;
  movedBytes: number;
  sinceMs: number;
}

/** Sets the limits of an HTTP server. To be called before it listens. */
export function limitConnections(server: Server, limits: ConnectionLimits): void {
  const { maxConnections, maxConnectionsPerAddress, stallMs } = limits;
  server.maxConnections = maxConnections;
  server.headersTimeout = headersMs;
  // A large upload over a slow line takes long; one that stands still does not, see below.
  server.requestTimeout = 0;

  const perAddress = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    if (isOwn(address)) return;
    const count = (perAddress.get(address) ?? 0) + 1;
    if (count > maxConnectionsPerAddress) {
      socket.destroy();
      return;
    }
    perAddress.set(address, count);
    socket.once('close', () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
  });

  const watched = new Set<Watched>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const entry = { request, response, phase: '', movedBytes: 0, sinceMs: 0 };
    watched.add(entry);
    response.once('close', () => watched.delete(entry));
  });
  const timer = setInterval(() => {
    for (const entry of watched) endIfStalled(entry, stallMs);
  }, stallMs / 4).unref();
  server.once('close', () => clearInterval(timer));
}

function endIfStalled(entry: Watched, stallMs: number): void {
  const { request, response } = entry;
  const phase = phaseOf(entry);
  const movedBytes = phase === 'receives' ? request.socket.bytesRead : request.socket.bytesWritten;
  const now = Date.now();
  if (phase !== entry.phase || movedBytes - entry.movedBytes >= stallBytes) {
    Object.assign(entry, { phase, movedBytes, sinceMs: now });
    return;
  }
  // While the server works on an answer, nothing has to move.
  if (phase !== 'works' && now - entry.sinceMs >= stallMs) response.socket?.destroy();
}

function phaseOf({ request, response }: Watched): string {
  if (response.headersSent) return 'sends';
  return request.complete ? 'works' : 'receives';
}

const isOwn = (address: string) => /^(127\.|::1$|::ffff:127\.)/.test(address);
