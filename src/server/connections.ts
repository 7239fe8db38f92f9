/** Limits of connections: their number, and how long one may stand still. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { networksOf } from './client.ts';

export interface ConnectionLimits {
  /** Open at once. */
  maxConnections: number;
  /**
   * Limit for one client (see client.ts) on another computer. Not behind a proxy, whose connections
   * serve all clients.
   */
  maxConnectionsPerAddress: number;
  /** Number of proxies before the server. */
  trustedProxies: number;
  /** Time in which a body or an answer must move {@link stallBytes}; otherwise it is broken off. */
  stallMs: number;
}

/** Slower connections (270 bytes a second in a minute) only waste resources. */
const stallBytes = 16 * 1024;
const headersMs = 20_000;

/** A request in progress, and the bytes moved at the start of its time. */
interface Watched {
  request: IncomingMessage;
  response: ServerResponse;
  phase: string;
  movedBytes: number;
  sinceMs: number;
}

/** Sets the limits of an HTTP server. Call this before it listens. */
export function limitConnections(server: Server, limits: ConnectionLimits): void {
  const { maxConnections, maxConnectionsPerAddress, trustedProxies, stallMs } = limits;
  server.maxConnections = maxConnections;
  server.headersTimeout = headersMs;
  // A large upload on a slow line takes long; a stalled one is ended below.
  server.requestTimeout = 0;

  if (trustedProxies === 0) limitPerClient(server, maxConnectionsPerAddress);

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

/**
 * Limits connections per client. An IPv6 network is one client: it has more addresses than a server
 * has connections.
 */
function limitPerClient(server: Server, limit: number): void {
  const counts = new Map<string, number>();
  const count = (key: string) => counts.get(key) ?? 0;
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    if (isOwn(address)) return;
    const client = networksOf(address);
    if (client.some(({ key, shares }) => count(key) >= limit * shares)) {
      socket.destroy();
      return;
    }
    for (const { key } of client) counts.set(key, count(key) + 1);
    socket.once('close', () => {
      for (const { key } of client) {
        if (count(key) > 1) counts.set(key, count(key) - 1);
        else counts.delete(key);
      }
    });
  });
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
  // While the server works on an answer, no bytes move.
  if (phase !== 'works' && now - entry.sinceMs >= stallMs) response.socket?.destroy();
}

function phaseOf({ request, response }: Watched): string {
  if (response.headersSent) return 'sends';
  return request.complete ? 'works' : 'receives';
}

const isOwn = (address: string) => /^(127\.|::1$|::ffff:127\.)/.test(address);
