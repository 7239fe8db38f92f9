/** A server whose answers have no end. */
import type { Server } from 'node:http';

const chunk = new Uint8Array(64 * 1024).fill(7);

/** Answers everything so from now on. Resolves when whoever asked has hung up. */
export function endless(server: Server): Promise<void> {
  server.removeAllListeners('request');
  return new Promise((closed) => {
    server.on('request', (_, response) => {
      const more = () => {
        while (response.write(chunk));
      };
      response.on('drain', more).on('close', closed);
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      more();
    });
  });
}
