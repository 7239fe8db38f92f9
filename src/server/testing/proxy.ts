import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RunningProxy {
  /** Ends in `/states/`. */
  url: string;
  close(): Promise<void>;
}

/**
 * A reverse proxy like nginx and others: it streams, keeps `Host`, and adds the client's address to
 * `X-Forwarded-For`.
 * @param target where each request goes, a URL
 * @param clientOf the client's address, because the connection's is always this computer
 */
export async function startProxy(
  target: () => string,
  clientOf = (request: IncomingMessage) => String(request.headers['x-client'] ?? '192.0.2.1'),
): Promise<RunningProxy> {
  const proxy = createServer((request, response) => {
    const { hostname, port } = new URL(target());
    const before = request.headers['x-forwarded-for'];
    const forwarded = [...(before ? [before] : []), clientOf(request)].join(', ');
    const upstream = httpRequest(
      {
        hostname,
        port,
        path: request.url,
        method: request.method,
        headers: { ...request.headers, 'x-forwarded-for': forwarded },
        agent: false,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('error', () => response.destroy()).pipe(response);
      },
    );
    upstream.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { Connection: 'close' }).end();
    });
    request.on('error', () => upstream.destroy()).pipe(upstream);
    response.on('close', () => upstream.destroy());
  });
  proxy.requestTimeout = 0;
  await new Promise<void>((done) => {
    proxy.listen(0, '127.0.0.1', done);
  });
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/states/`,
    close: () =>
      new Promise((done) => {
        proxy.close(() => done());
        proxy.closeAllConnections();
      }),
  };
}
