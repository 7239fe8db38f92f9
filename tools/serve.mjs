/**
 * A static server for a built site: `node tools/serve.mjs [--root DIR] [--port N]`.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sirv from 'sirv';
import { readPort } from './port.mjs';

/** Files whose name holds a hash of their content. */
const hashed = /^\/(assets|runtimes)\//;

const headers = JSON.parse(
  readFileSync(
    new URL('../src/packages/playwright/response-headers.json', import.meta.url),
    'utf8',
  ),
);

/**
 * Headers that make pages cross-origin isolated. Holdfast works without them. A page's worker may end
 * with it. With these headers, the page can wait for a last checkpoint while it closes.
 * @type {Record<string, string>}
 */
export const isolationHeaders = headers.isolation;

/**
 * Headers that restrict a page and its workers. Each file has them: a shared worker has the policy
 * of its own script's response.
 * @type {Record<string, string>}
 */
export const securityHeaders = {
  'Content-Security-Policy': headers.contentSecurityPolicy.join('; '),
  ...headers.security,
};

/**
 * Serves a folder: hashed files cached for ever, the others revalidated.
 * @param {{ root: string, port?: number, host?: string, isolated?: boolean,
 *   states?: import('../src/server/state-server.ts').StateServer }} options `port` 0 takes a free one;
 *   `isolated: false` leaves {@link isolationHeaders} out, as most static hosts do; `states` stands
 *   under `/states/`
 * @returns {Promise<{ url: string, port: number, setRoot(root: string): void, close(): Promise<void> }>}
 *   `setRoot` puts another build at the same origin, as a deploy does
 */
export async function serveSite({ root, port = 0, host = '127.0.0.1', isolated = true, states }) {
  let handle = siteHandler(root, isolated);
  const server = createServer((request, response) => {
    if (states && request.url?.startsWith('/states/')) void states.handle(request, response);
    else {
      ignoreOtherRanges(request);
      handle(request, keepArchive(request, response));
    }
  });
  if (states) {
    server.on('upgrade', (request, stream, head) => void states.upgrade(request, stream, head));
    states.limit(server);
  }
  await new Promise((done, fail) => {
    server.once('error', fail).listen(port, host, () => done(undefined));
  });
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://localhost:${address.port}/`,
    port: address.port,
    setRoot: (folder) => {
      handle = siteHandler(folder, isolated);
    },
    close: () =>
      new Promise((done) => {
        states?.close();
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/**
 * @param {string} root
 * @param {boolean} isolated
 */
function siteHandler(root, isolated) {
  return sirv(resolve(root), {
    // Reads the disk for every request: a rebuild shows without a restart.
    dev: true,
    etag: true,
    setHeaders(response, path) {
      const isHashed = hashed.test(path);
      response.setHeader(
        'Cache-Control',
        isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
      const all = { ...securityHeaders, ...(isolated && isolationHeaders) };
      for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
    },
  });
}

/**
 * Serves archives unchanged. sirv treats `x.gz` as `x` with a transfer encoding, and browsers then
 * unpack it. A disk or an initrd of that name must arrive as it is. src/packages/node/archives.ts
 * has the same.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function keepArchive({ url = '/' }, response) {
  if (!/\.(gz|br)$/.test(url.replace(/[?#].*/, ''))) return response;
  const writeHead = /** @type {(...head: any[]) => typeof response} */ (
    response.writeHead.bind(response)
  );
  response.writeHead = (/** @type {any[]} */ ...head) => {
    const headers = head.at(-1);
    if (headers?.['Content-Encoding']) {
      delete headers['Content-Encoding'];
      headers['Content-Type'] = 'application/octet-stream';
    }
    return writeHead(...head);
  };
  return response;
}

/**
 * Drops other ranges: sirv only understands `bytes=FIRST-LAST` and `bytes=FIRST-`, and ends the
 * server for `bytes=5-3`. src/packages/node/archives.ts has the same, with more details.
 * @param {import('node:http').IncomingMessage} request
 */
function ignoreOtherRanges({ headers }) {
  const [, first, last] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(headers.range ?? '') ?? [];
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last);
  if (!(end >= Number(first) && end > 0)) delete headers.range;
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      root: { type: 'string', default: 'dist' },
      port: { type: 'string', default: '8086' },
    },
  });
  try {
    const port = readPort(values.port, '--port');
    const { url } = await serveSite({ root: values.root, port });
    console.log(`Serving ${values.root} at ${url}`);
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    process.exitCode = 2;
  }
}
