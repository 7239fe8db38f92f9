/** TCP ports of the guest, reached from outside. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'holdfast/playwright';

test.use({
  guestOptions: {
    machine: { networkBackend: { kind: 'fetch' } },
    prepare: async (guest) => {
      await guest.waitUntilSucceeds('ifconfig eth0 | grep "inet addr"');
    },
  },
});

test('a download from the guest continues through a live update, to its last byte', async ({
  guest,
}) => {
  const bytes = randomBytes(1 << 20);
  await guest.copyIn(bytes, '/www/file');
  await guest.succeed('httpd -p 80 -h /www');
  await guest.waitForPort(80);
  const { url } = await guest.forwardPort(80);
  const { body } = await fetch(`${url}file`);
  const pieces: Uint8Array[] = [];
  for await (const piece of body ?? []) {
    pieces.push(piece);
    if (pieces.length === 1) await guest.liveUpdate();
  }
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
});

test('bytes sent into the guest arrive, and each end can end first', async ({ guest }) => {
  await guest.succeed('nc -l -p 9000 </dev/null >/tmp/got 2>/dev/null &');
  const { port } = await guest.forwardPort(9000);
  // nc accepts a single connection: a probe would use it up.
  await guest.waitUntilSucceeds('netstat -ltn | grep ":9000 "');
  const bytes = randomBytes(100_000);
  const socket = connect(port, '127.0.0.1');
  socket.end(bytes);
  socket.resume();
  await once(socket, 'close');
  await guest.waitUntilFails('pidof nc');
  expect((await guest.copyOut('/tmp/got')).equals(bytes)).toBe(true);
});

test('a guest whose output is not read waits, and loses nothing', { tag: '@slow' }, async ({
  guest,
}) => {
  const bytes = 8 << 20;
  await guest.succeed(`head -c ${bytes} /dev/zero | nc -l -p 9001 >/dev/null 2>&1 &`);
  await guest.waitUntilSucceeds('netstat -ltn | grep ":9001 "');
  const { port } = await guest.forwardPort(9001);
  const socket = connect(port, '127.0.0.1').pause();
  await once(socket, 'connect');
  // The timer of a sender that received a window of 0.
  await guest.waitUntilSucceeds(
    "grep -E '^ *[0-9]+: .{27} .. [0-9A-F]{8}:[0-9A-F]{8} 04:' /proc/net/tcp",
  );
  let received = 0;
  for await (const piece of socket) received += (piece as Buffer).length;
  expect(received).toBe(bytes);
});

test('a port without a listener is closed', async ({ guest }) => {
  await expect(guest.waitForPort(9, { timeout: 300 })).rejects.toThrow(
    /TCP port 9 of the guest did not open within 300 ms: .*listens[\s\S]*--- serial console ---/,
  );
  const { port } = await guest.forwardPort(9);
  const socket = connect(port, '127.0.0.1');
  socket.resume();
  const [error] = await once(socket, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
});
