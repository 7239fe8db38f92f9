/** `fetch` that also reads files of this computer: Node's own knows no `file:` URLs. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fetchForGuest, guestNetworkOf } from './guarded-fetch.ts';
import { fetchGuarded, hostOf, isGuarded } from './guarded-hosts.ts';

/** Replaces this thread's `fetch`. Requests of guests read no files: see guest-fetch.ts. */
export function fetchFiles(): void {
  const { fetch } = globalThis;
  globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const network = guestNetworkOf(init);
    if (init && network) return fetchForGuest(url.href, init, network);
    if (url.protocol === 'file:') return readFile(url, init);
    return isGuarded(hostOf(url)) ? fetchGuarded(fetch, url, init) : fetch(input, init);
  };
}

/**
 * In the package, the kernel has an extension that it lacks on a site. States of a site name it without.
 */
async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (missing) {
    return open(`${path}.bin`).catch(() => Promise.reject(missing));
  }
}

/** Answers as a web server with ranges (RFC 9110, section 14). */
async function readFile(url: URL, init: RequestInit | undefined): Promise<Response> {
  init?.signal?.throwIfAborted();
  const file = await openFile(fileURLToPath(url)).catch((error: NodeJS.ErrnoException) => error);
  if (file instanceof Error) return new Response(null, { status: 404, statusText: file.code });
  try {
    const { size, mtime } = await file.stat();
    if (init?.method === 'HEAD')
      return new Response(null, { status: 200, headers: { 'content-length': String(size) } });
    const asked = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('range') ?? '');
    const start = Number(asked?.[1] ?? 0);
    const end = Math.min(Number(asked?.[2] ?? size) + 1, size);
    if (asked && start >= size) return new Response(null, { status: 416 });
    const bytes = Buffer.alloc(end - start);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
    requireIntegrity(bytes, init?.integrity);
    const type = url.pathname.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream';
    const headers = new Headers({
      'content-type': type,
      'content-length': String(bytesRead),
      'last-modified': mtime.toUTCString(),
    });
    if (asked) headers.set('content-range', `bytes ${start}-${end - 1}/${size}`);
    return new Response(bytes.subarray(0, bytesRead), { status: asked ? 206 : 200, headers });
  } finally {
    await file.close();
  }
}

/** Checks subresource integrity as `fetch` does. Supports one SHA-256 digest. */
function requireIntegrity(bytes: Buffer, integrity: string | undefined): void {
  if (!integrity) return;
  const found = `sha256-${createHash('sha256').update(bytes).digest('base64')}`;
  if (found !== integrity) throw new TypeError('fetch failed: the file has another digest');
}
