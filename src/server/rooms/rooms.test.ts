/** Relay rooms with real sockets: docs/spec/send.md. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { StateServerOptions } from '../options.ts';
import { openRoom, RoomDevice } from '../testing/room-device.ts';
import { type RunningServer, startServer } from '../testing/server.ts';
import { mostMessageBytes, mostMessagesPerSecond, mostPieces, roomEnd } from './room-limits.ts';

let server: RunningServer;
const start = async (options: Partial<StateServerOptions> = {}) => {
  server = await startServer({ trustedProxies: 1, ...options });
};
afterEach(() => server.close());

const device = (path: string, headers: Record<string, string> = {}) =>
  new RoomDevice(server.url, path, headers);
const from = (address: string) => ({ 'x-forwarded-for': address });

test('[SR1] a room passes messages on, whole and in order, in both directions', async () => {
  await start();
  const { id, opener, joiner } = await openRoom(server.url);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  const sent = Array.from({ length: 40 }, (_, i) => randomBytes(1 + i * 1600));
  for (const bytes of sent) opener.socket.send(bytes);
  joiner.socket.send(Buffer.from('answer'));
  await joiner.got(sent.reduce((sum, { length }) => sum + length, 0));
  expect(joiner.received.map(({ length }) => length)).toEqual(sent.map(({ length }) => length));
  expect(Buffer.compare(Buffer.concat(joiner.received), Buffer.concat(sent))).toBe(0);
  expect((await opener.got(6)).toString()).toBe('answer');
  expect(await readdir(`${server.root}/states`)).toEqual(['uploads']);
});

test('[SR1] each room has an id of its own', async () => {
  await start();
  const ids = await Promise.all([1, 2, 3].map(() => device('rooms').told('room')));
  expect(new Set(ids).size).toBe(3);
});

test('[SR2] a third device, and one without a room, are turned away', async () => {
  await start();
  const { id, opener, joiner } = await openRoom(server.url);
  expect(await device(`rooms/${id}`).ended).toBe(roomEnd.full);
  expect(await device(`rooms/${'0'.repeat(32)}`).ended).toBe(roomEnd.noRoom);
  expect(await device('rooms/short').refused).toBe(404);
  opener.socket.send(Buffer.from('x'));
  expect((await joiner.got(1)).toString()).toBe('x');
});

test('[SR3] pages of other origins and names of other hosts get no room', async () => {
  await start({ origins: ['https://play.example.org'] });
  expect(await device('rooms', { origin: 'https://evil.example.org' }).refused).toBe(403);
  expect(await device('rooms', { host: 'rebound.example.org' }).refused).toBe(421);
  const own = device('rooms', { origin: `http://127.0.0.1:${server.port}` });
  const named = device('rooms', { origin: 'https://play.example.org' });
  expect([await own.told('room'), await named.told('room')]).toEqual([
    expect.any(String),
    expect.any(String),
  ]);
});

test('[SR3] a refused client that keeps its half of the connection open is cut off', async () => {
  await start();
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  const isOver = Promise.race([once(client, 'error'), once(client, 'close')]);
  client.write(
    `GET /states/rooms/short HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  client.resume();
  await once(client, 'end');
  // The server answers with a reset if it has given up the connection.
  const timer = setInterval(() => client.write('x'), 20);
  await isOver.finally(() => clearInterval(timer));
  client.destroy();
});

test('[SR2] the room ends with the first device that leaves, after its last message', async () => {
  await start();
  const { id, opener, joiner } = await openRoom(server.url);
  opener.socket.send(Buffer.from('last'));
  opener.socket.close();
  expect((await joiner.got(4)).toString()).toBe('last');
  expect(await joiner.ended).toBe(roomEnd.left);
  expect(await device(`rooms/${id}`).ended).toBe(roomEnd.noRoom);
});

test('[SR4] one address, and all together, have a limited number of rooms', async () => {
  await start({ maxRooms: 3, maxRoomsPerClient: 2 });
  const rooms = [device('rooms', from('192.0.2.1')), device('rooms', from('192.0.2.1'))];
  for (const room of rooms) await room.told('room');
  expect(await device('rooms', from('192.0.2.1')).ended).toBe(roomEnd.tooMany);
  await device('rooms', from('192.0.2.2')).told('room');
  expect(await device('rooms', from('192.0.2.3')).ended).toBe(roomEnd.tooMany);
  rooms[0]?.socket.close();
  await rooms[0]?.ended;
  await vi.waitFor(async () => {
    const again = device('rooms', from('192.0.2.1'));
    expect(await Promise.race([again.told('room'), again.ended])).toEqual(expect.any(String));
  });
});

test('[SR4] one address opens a limited number of rooms in an hour', async () => {
  await start({ roomsPerHour: 2 });
  const { opener } = await openRoom(server.url);
  await device('rooms').told('room');
  expect(await device('rooms').refused).toBe(429);
  expect(opener.socket.readyState).toBe(opener.socket.OPEN);
});

test('[SR4] a server without rooms has none', async () => {
  await start({ maxRooms: 0 });
  expect(await device('rooms').refused).toBe(404);
  expect(await (await fetch(server.url)).json()).toMatchObject({ rooms: false });
});

test('[SR5] a room without a second device expires', async () => {
  await start({ roomWaitMs: 50 });
  expect(await device('rooms').ended).toBe(roomEnd.expired);
});

test('[SR5] a room in which nothing moves expires, and so does one that lasts too long', async () => {
  await start({ roomIdleMs: 50 });
  const idle = await openRoom(server.url);
  expect([await idle.opener.ended, await idle.joiner.ended]).toEqual([4408, 4408]);
  await server.close();
  await start({ roomLifeMs: 300 });
  const busy = await openRoom(server.url);
  const timer = setInterval(() => busy.opener.socket.send(Buffer.from('x')), 20);
  expect(await busy.joiner.ended).toBe(roomEnd.expired);
  clearInterval(timer);
});

test('[SR6] a room carries a limited number of bytes, both directions together', async () => {
  await start({ maxRoomBytes: 100_000 });
  const { opener, joiner } = await openRoom(server.url);
  opener.socket.send(randomBytes(60_000));
  await joiner.got(60_000);
  joiner.socket.send(randomBytes(40_001));
  expect(await opener.ended).toBe(roomEnd.tooMuch);
  expect(opener.received).toEqual([]);
});

test('[SR6] text, a message that is too large, and an early one end the room', async () => {
  await start();
  const text = await openRoom(server.url);
  text.opener.socket.send('text');
  expect(await text.opener.ended).toBe(roomEnd.badMessage);
  const large = await openRoom(server.url);
  large.opener.socket.send(Buffer.alloc(mostMessageBytes + 1));
  expect([await large.opener.ended, await large.joiner.ended]).toEqual([1009, roomEnd.left]);
  expect(large.joiner.received).toEqual([]);
  const early = device('rooms');
  await early.told('room');
  early.socket.send(Buffer.from('x'));
  expect(await early.ended).toBe(roomEnd.badMessage);
});

test('[SR6] a message in too many pieces ends the room', async () => {
  await start();
  const { opener, joiner } = await openRoom(server.url);
  for (let count = 0; count < mostPieces; count++)
    opener.socket.send('x', { fin: false, binary: true });
  opener.socket.send('x', { fin: true });
  expect([await opener.ended, await joiner.ended]).toEqual([1008, roomEnd.left]);
  expect(joiner.received).toEqual([]);
});

test('[SR7] a device that pings and reads no answer is cut off', async () => {
  await start();
  const { opener, joiner } = await openRoom(server.url);
  opener.socket.pause();
  const flood = () => {
    for (let count = 0; count < 1000; count++) opener.socket.ping(Buffer.alloc(125));
  };
  const timer = setInterval(flood, 5);
  expect(await joiner.ended).toBe(roomEnd.left);
  clearInterval(timer);
  opener.socket.terminate();
});

test('[SR7] a slow reader stops the sender, and loses nothing', async () => {
  await start();
  const { opener, joiner } = await openRoom(server.url);
  joiner.socket.pause();
  const part = randomBytes(60_000);
  // More than the sockets of this computer hold.
  const parts = 1500;
  let taken = 0;
  const sendNext = () => {
    if (taken === parts) return;
    opener.socket.send(part, () => {
      taken++;
      sendNext();
    });
  };
  sendNext();
  await vi.waitFor(
    async () => {
      const before = taken;
      // The time shows that nothing moves any more.
      await new Promise((done) => setTimeout(done, 500));
      expect(taken).toBe(before);
    },
    { timeout: 15_000 },
  );
  expect(taken).toBeLessThan(parts / 2);
  joiner.socket.resume();
  expect((await joiner.got(parts * part.length)).length).toBe(parts * part.length);
});

test('[SR7] a flood of small messages waits for the next second', async () => {
  await start();
  const { opener, joiner } = await openRoom(server.url);
  const startedMs = performance.now();
  const count = mostMessagesPerSecond * 2 + 10;
  const message = Buffer.alloc(100);
  for (let i = 0; i < count; i++) opener.socket.send(message);
  await joiner.got(count * message.length);
  // Time is the subject: the messages of two seconds cannot pass in less than one.
  expect(performance.now() - startedMs).toBeGreaterThan(900);
});

test('[SR8] the end of the server ends its rooms', async () => {
  await start();
  const { opener, joiner } = await openRoom(server.url);
  const alone = device('rooms');
  await alone.told('room');
  server.states.close();
  expect([await opener.ended, await joiner.ended, await alone.ended]).toEqual([1001, 1001, 1001]);
});
