import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import parseRange from 'range-parser';
import { HttpError, notFound } from './http.ts';
import type { ByteRange } from './object-store.ts';
import type { StateStore } from './state-store.ts';

const yearS = 365 * 24 * 3600;

/**
 * Answers GET and HEAD of a state. Its content never changes, so it is cached for its whole
 * lifetime. A state is data of strangers, so browsers must neither sniff nor show it.
 */
export async function sendState(
  stateStore: StateStore,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const state = await stateStore.find(id);
  if (!state) throw notFound('There is no such state here. It may have expired or been deleted.');
  const leftS = state.expiresAt ? Math.floor((state.expiresAt - Date.now()) / 1000) : yearS;
  const headers: Record<string, string | number> = {
    ETag: `"${id}"`,
    'Cache-Control': `public, max-age=${Math.min(leftS, yearS)}, immutable`,
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${id}.holdfast"`,
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  };
  if (isCached(request, id)) {
    response.writeHead(304, headers).end();
    return;
  }
  const directUrl = await stateStore.directUrl(id);
  if (directUrl) {
    response.writeHead(302, { Location: directUrl, 'Cache-Control': 'no-store' }).end();
    return;
  }
  const range = rangeOf(request, id, state.sizeBytes);
  const { start, end } = range ?? { start: 0, end: state.sizeBytes - 1 };
  if (range) headers['Content-Range'] = `bytes ${start}-${end}/${state.sizeBytes}`;
  headers['Content-Length'] = end - start + 1;
  const content = request.method === 'HEAD' ? undefined : await stateStore.read(id, range);
  response.writeHead(range ? 206 : 200, headers);
  if (content) await pipeline(content, response);
  else response.end();
}

function isCached(request: IncomingMessage, id: string): boolean {
  const known = request.headers['if-none-match'];
  return known === '*' || Boolean(known?.includes(`"${id}"`));
}

/**
 * Returns the requested range; undefined for the whole. Several ranges at once are answered with
 * the whole, as HTTP allows.
 */
function rangeOf(request: IncomingMessage, id: string, sizeBytes: number): ByteRange | undefined {
  const header = request.headers.range;
  const condition = request.headers['if-range'];
  if (!header || (condition && condition !== `"${id}"`)) return undefined;
  const ranges = parseRange(sizeBytes, header);
  if (ranges === -1) {
    throw new HttpError(416, 'bad-range', `The state has ${sizeBytes} bytes.`, {
      'Content-Range': `bytes */${sizeBytes}`,
    });
  }
  const only = ranges !== -2 && ranges.type === 'bytes' && ranges.length === 1 && ranges[0];
  return only || undefined;
}
