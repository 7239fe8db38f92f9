/** Requests that the server accepts as those of its own pages: security finding 15. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from './testing/server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ hosts: ['states.example.org'] });
});
afterAll(() => server.close());

/** Sends the request of a browser whose page's name resolves to this server's address. */
function ask(lines: string[]): Promise<string> {
  return new Promise((done, fail) => {
    let answer = '';
    const socket = connect(server.port, '127.0.0.1', () =>
      socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`),
    );
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    socket.on('error', fail).on('close', () => done(answer.split('\r\n', 1)[0] ?? ''));
  });
}

const create = (host: string) => [
  'POST /states/uploads HTTP/1.1',
  `Host: ${host}`,
  `Origin: http://${host.toLowerCase()}`,
  'Tus-Resumable: 1.0.0',
  'Upload-Length: 10',
];
const read = (host: string) => ['GET /states/ HTTP/1.1', `Host: ${host}`];

test('a page whose name was made to lead here can neither upload nor read', async () => {
  for (const host of [
    'evil.example',
    'evil.example:8086',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'states.example.org.evil.example',
    '',
  ]) {
    expect(await ask(create(host))).toContain(' 421 ');
    expect(await ask(read(host))).toContain(' 421 ');
  }
});

test('its own names and addresses are answered', async () => {
  const own = [
    'localhost',
    'machine.localhost:8086',
    '127.0.0.1',
    '[::1]:8086',
    'states.example.org',
  ];
  for (const host of [...own, 'LOCALHOST:1', 'States.Example.org:8443']) {
    expect(await ask(create(host))).toContain(' 201 ');
    expect(await ask(read(host))).toContain(' 200 ');
  }
});
