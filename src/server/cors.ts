/** Cross-origin requests: which pages may read and write. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './http.ts';
import type { StateServerOptions } from './options.ts';

type Origins = Pick<StateServerOptions, 'origins'>;

/**
 * Sets CORS headers. Any page may read a state whose name it knows. The origins that may write are a
 * setting.
 */
export function setCors(
  options: Origins,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { origin } = request.headers;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead) response.setHeader('Access-Control-Allow-Origin', '*');
  else if (origin && isAllowed(options, origin)) {
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Vary', 'Origin');
  }
  response.setHeader(
    'Access-Control-Expose-Headers',
    'Accept-Ranges, Content-Length, Content-Range, ETag, Location, Retry-After, Upload-Offset, Upload-Length, Tus-Resumable',
  );
}

export function preflight(response: ServerResponse): void {
  response
    .writeHead(204, {
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Range, If-Range, If-None-Match',
      'Access-Control-Max-Age': '86400',
    })
    .end();
}

export function requireOrigin(options: Origins, request: IncomingMessage): void {
  const { origin, host } = request.headers;
  if (!origin || isAllowed(options, origin)) return;
  // The server's own pages.
  if (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()) return;
  throw new HttpError(403, 'wrong-origin', `Pages of ${origin} may not write to this server.`);
}

export const isAllowed = ({ origins }: Origins, origin: string) =>
  origins.includes('*') || origins.includes(origin);
