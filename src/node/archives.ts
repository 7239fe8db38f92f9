/** For servers built on sirv, as our own and Vite's are. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * sirv takes `x.gz` for `x`, compressed for its way, and says so: browsers then unpack it. A disk or an
 * initrd of that name is wanted as it is, and ranges of it are ranges of the file. tools/serve.mjs has
 * the same.
 */
export function keepArchives({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  if (!/\.(gz|br)$/.test(url.replace(/[?#].*/, ''))) return;
  const writeHead = response.writeHead.bind(response) as (...head: unknown[]) => ServerResponse;
  response.writeHead = (...head: unknown[]) => {
    const headers = Object(head.at(-1)) as OutgoingHttpHeaders;
    if (headers['Content-Encoding']) headers['Content-Type'] = 'application/octet-stream';
    delete headers['Content-Encoding'];
    // Vite's preview has put them there before.
    response.removeHeader('Content-Encoding');
    return writeHead(...head);
  };
}
