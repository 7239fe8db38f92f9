import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchForGuest } from './guarded-fetch.ts';

let server: Server;
let port: number;
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url === '/redirect') response.writeHead(302, { location: '/end' }).end();
    else request.pipe(response.writeHead(200, { 'x-kind': 'echo' }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
});

test('[2] a guest in Node reaches no private address: by number, by name, in any spelling', async () => {
  for (const host of [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0x7f.1',
    '2130706433',
    '0.0.0.0',
  ])
    await expect(fetchForGuest(`http://${host}:${port}/`, {}, {}), host).rejects.toThrow(
      /own network/,
    );
  for (const url of ['file:///etc/passwd', 'data:,x'])
    await expect(fetchForGuest(url, {}, {})).rejects.toThrow(/no protocol/);
  expect(asked).toEqual([]);
});

test("[2] with the network's privateAddresses it does, redirects and bodies included", async () => {
  const network = { privateAddresses: true };
  const url = `http://127.0.0.1:${port}`;
  const response = await fetchForGuest(`${url}/redirect`, {}, network);
  expect([response.status, response.url, response.redirected]).toEqual([200, `${url}/end`, true]);
  const posted = await fetchForGuest(url, { method: 'POST', body: 'text' }, network);
  expect(posted.headers.get('x-kind')).toBe('echo');
  expect(await new Response(posted.body).text()).toBe('text');
});
