/** For servers built on sirv, such as this project's and Vite's. */
import type {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http';

/**
 * sirv sends `x.gz` as `x` with `Content-Encoding: gzip`, and browsers then unpack it. A disk or an
 * initrd of that name must arrive unchanged. Ranges of it are ranges of the file. tools/serve.mjs does
 * the same.
 */
export function keepArchives({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  if (!/\.(gz|br)$/.test(url.replace(/[?#].*/, ''))) return;
  const writeHead = response.writeHead.bind(response) as (...head: unknown[]) => ServerResponse;
  response.writeHead = (...head: unknown[]) => {
    const headers = Object(head.at(-1)) as OutgoingHttpHeaders;
    if (headers['Content-Encoding']) headers['Content-Type'] = 'application/octet-stream';
    delete headers['Content-Encoding'];
    // Vite's preview has set them before.
    response.removeHeader('Content-Encoding');
    return writeHead(...head);
  };
}

/**
 * sirv understands `bytes=FIRST-LAST` and `bytes=FIRST-` alone. It sends wrong bytes for other ranges. For
 * `bytes=5-3` it throws an error that ends the server. HTTP lets a server ignore the header: the whole
 * file is sent then. tools/serve.mjs does the same.
 */
export function ignoreOtherRanges({ headers }: { headers: IncomingHttpHeaders }): void {
  // 15 digits, because numbers beyond 2⁵³ throw as well. sirv takes a last byte of 0 for the end of the
  // file.
  const [, first, last] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(headers.range ?? '') ?? [];
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last);
  if (!(end >= Number(first) && end > 0)) delete headers.range;
}
