/** Connections that are stalled, or too many: security finding 9. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type ConnectionLimits, limitConnections } from './connections.ts';

let server: Server;
let port = 0;
const sockets: Socket[] = [];

async function start(
  limits: Partial<ConnectionLimits>,
  handle: Parameters<typeof createServer>[1],
  before?: (server: Server) => void,
): Promise<void> {
  server = createServer(handle);
  before?.(server);
  limitConnections(server, {
    maxConnections: 1000,
    maxConnectionsPerAddress: 100,
    trustedProxies: 0,
    stallMs: 400,
    ...limits,
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  port = (server.address() as AddressInfo).port;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

function open(text: string): { socket: Socket; ended: Promise<unknown> } {
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  sockets.push(socket.on('error', () => {}));
  return { socket, ended: new Promise((done) => socket.once('close', done)) };
}

const post = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n';
const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('a body that stands still is broken off, and so is one that only trickles', async () => {
  await start({}, (request, response) => {
    request.resume().on('end', () => response.end());
  });
  const still = open(post);
  const trickling = open(post);
  const timer = setInterval(() => trickling.socket.write('x'), 20);
  await Promise.all([still.ended, trickling.ended]);
  clearInterval(timer);
});

test('a body that moves may take as long as it likes', async () => {
  let otherEnded = false;
  await start({}, (request, response) => {
    request.resume().on('end', () => response.end('whole'));
  });
  const still = open(post);
  void still.ended.then(() => {
    otherEnded = true;
  });
  const chunk = 'x'.repeat(20_000);
  const steady = open('POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
  let answer = '';
  steady.socket.on('data', (bytes) => {
    answer += bytes;
  });
  // Continues well beyond the time after which a stalled one is ended.
  let chunks = 0;
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      steady.socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      if (otherEnded) chunks++;
      if (chunks < 20) return;
      clearInterval(timer);
      steady.socket.write('0\r\n\r\n');
      done();
    }, 20);
  });
  await expect.poll(() => answer).toContain('whole');
});

test('an answer that its client does not read is broken off', async () => {
  await start({}, (_request, response) => {
    response.writeHead(200);
    const more = () => {
      while (response.write(Buffer.alloc(1 << 16))) {}
    };
    response.on('drain', more);
    more();
  });
  const { socket } = open(get);
  socket.pause();
  const ended = new Promise((done) =>
    server.once('connection', (peer) => peer.once('close', done)),
  );
  await ended;
});

test('an answer that takes the server long is waited for', async () => {
  let stalled: Promise<unknown> = Promise.resolve();
  await start({}, async (request, response) => {
    if (request.method === 'POST') return;
    await stalled;
    response.end('at last');
  });
  stalled = open(post).ended;
  let answer = '';
  open(get).socket.on('data', (bytes) => {
    answer += bytes;
  });
  await expect.poll(() => answer).toContain('at last');
});

const serve = (_request: unknown, response: { end(): void }) => void response.end();
/** Connections come from these addresses in turn. */
const from =
  (...addresses: string[]) =>
  (server: Server) => {
    let next = 0;
    server.on('connection', (socket: Socket) => {
      const value = addresses[next++ % addresses.length];
      Object.defineProperty(socket, 'remoteAddress', { value });
    });
  };
const answered = ({ socket }: { socket: Socket }) =>
  new Promise((done) => socket.once('data', () => done('answered')));

test('[9] an IPv6 network is one client, with any of its addresses', async () => {
  const addresses = ['2001:db8::1', '2001:db8::2', '2001:db8::3'];
  await start({ maxConnectionsPerAddress: 2 }, serve, from(...addresses));
  await Promise.all([answered(open(get)), answered(open(get))]);
  const third = open(get);
  expect(await Promise.race([answered(third), third.ended.then(() => 'refused')])).toBe('refused');
});

test('[9] a proxy on another computer has as many connections as its clients need', async () => {
  await start({ maxConnectionsPerAddress: 2, trustedProxies: 1 }, serve, from('192.0.2.1'));
  const clients = [open(get), open(get), open(get)];
  expect(await Promise.all(clients.map(answered))).toEqual(['answered', 'answered', 'answered']);
});

test('connections of one address are limited, all of them too', async () => {
  await start({ maxConnectionsPerAddress: 2 }, serve, from('192.0.2.1'));
  const kept = [open(get), open(get)];
  await Promise.all(kept.map(({ socket }) => new Promise((done) => socket.once('data', done))));
  await open(get).ended;
  kept[0]?.socket.destroy();
  await expect
    .poll(async () => {
      const { socket, ended } = open(get);
      return Promise.race([
        new Promise((done) => socket.once('data', () => done('answered'))),
        ended,
      ]);
    })
    .toBe('answered');
});

test('more connections than the limit are closed, and those that are there continue', async () => {
  await start({ maxConnections: 2 }, (_request, response) => void response.end());
  const kept = [open(get), open(get)];
  await Promise.all(kept.map(({ socket }) => new Promise((done) => socket.once('data', done))));
  await open(get).ended;
  const answer = new Promise((done) => kept[0]?.socket.once('data', done));
  kept[0]?.socket.write(get);
  await answer;
});
