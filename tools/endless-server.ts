/** A server whose answers have no end. */
import type { OutgoingHttpHeaders, Server } from 'node:http';

const chunk = new Uint8Array(64 * 1024).fill(7);

/** Answers every request without an end from now on. Resolves when the client has disconnected. */
export function endless(
  server: Server,
  status = 200,
  headers: OutgoingHttpHeaders = {},
): Promise<void> {
  server.removeAllListeners('request');
  return new Promise((closed) => {
    server.on('request', (_, response) => {
      const more = () => {
        while (response.write(chunk));
      };
      response.on('drain', more).on('close', closed);
      response.writeHead(status, { 'content-type': 'application/octet-stream', ...headers });
      more();
    });
  });
}
