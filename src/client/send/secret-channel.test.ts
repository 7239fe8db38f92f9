import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningServer, startServer } from '../../server/testing/server.ts';
import type { MessageSocket } from '../hosts/socket-transport.ts';
import { RelayLine } from './relay-line.ts';
import { encodeHello, keyOf, newSalt, SealedMessages } from './sealed-messages.ts';
import { SecretChannel } from './secret-channel.ts';
import { newKey } from './send-link.ts';

type Message = Uint8Array<ArrayBuffer>;

let server: RunningServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());

const plainSocket = (url: string) => new WebSocket(url) as unknown as MessageSocket;

/** A socket whose sent messages a hostile relay replaces. */
const through = (relay: (message: Message) => Message[]) => (url: string) => {
  const socket = plainSocket(url);
  const send = socket.send.bind(socket);
  socket.send = (message) => {
    for (const one of relay(message as Message)) send(one);
  };
  return socket;
};

/** @param relay gets what the opener sends */
async function channels(relay?: (message: Message) => Message[]) {
  const own = relay ? through(relay) : plainSocket;
  const opener = new RelayLine({ relay: server.url, webSocket: own });
  const secret = { room: (await opener.told('room')) as string, key: newKey() };
  const joiner = new RelayLine({ relay: server.url, webSocket: plainSocket }, secret.room);
  await Promise.all([opener.told('joined'), joiner.told('joined')]);
  const [near, far] = await Promise.all([
    SecretChannel.open(opener, secret, 'opener'),
    SecretChannel.open(joiner, secret, 'joiner'),
  ]);
  return { near, far };
}

const ended = async ({ signal }: SecretChannel) => {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return signal.reason as { code: string; message: string };
};

test('notes and frames arrive whole and in order, in both directions', async () => {
  const { near, far } = await channels();
  const frames: Message[] = [];
  const isOver = new Promise<void>((resolve) => {
    far.frames = { frame: (bytes) => frames.push(bytes.slice()), end: resolve };
  });
  const sent = Array.from({ length: 30 }, (_, i) => new Uint8Array(1 + i * 2000).fill(i));
  for (const bytes of sent) void near.sendFrame(bytes);
  void near.tell({ question: 1 });
  near.endFrames();
  await far.next('question');
  void far.tell({ answer: 2 });
  expect(await near.next('answer')).toEqual({ answer: 2 });
  await isOver;
  expect(frames.map(({ length }) => length)).toEqual(sent.map(({ length }) => length));
  expect(Buffer.compare(Buffer.concat(frames), Buffer.concat(sent))).toBe(0);
  await near.close();
  await far.close();
});

/** Attacks of a relay on the fourth message, which is the second after the proof. */
const attacks: [string, (at: number, message: Message, before: Message) => Message[]][] = [
  ['changed', (_, message) => [message.map((byte, i) => (i === 3 ? byte ^ 1 : byte))]],
  ['cut off', (_, message) => [message.subarray(0, -1)]],
  ['left out', () => []],
  ['repeated', (_, message) => [message, message]],
  ['moved', (_, message, before) => [message, before]],
];
test.each(attacks)('[SD4] a message that was %s ends the connection', async (_, attack) => {
  let at = 0;
  let before: Message = new Uint8Array();
  const { near, far } = await channels((message) => {
    at++;
    // The one before is held back, for the attack that moves it.
    if (at === 3 && attack === attacks[4]?.[1]) {
      before = message.slice();
      return [];
    }
    return at === 4 ? attack(at, message, before) : [message];
  });
  for (const text of ['one', 'two', 'three']) void near.tell({ text });
  expect(await ended(far)).toMatchObject({ code: 'migration-failed' });
  // The other device learns of it.
  await ended(near);
});

test('[SD3] each direction has a key of its own, which depends on both salts', async () => {
  const secret = { room: 'r', key: newKey() };
  const salts = { opener: newSalt(), joiner: newSalt() };
  const sealed = await new SealedMessages(await keyOf(secret, salts, 'opener')).seal(
    Uint8Array.of(1, 2, 3),
  );
  const opens = async (key: Promise<CryptoKey>) =>
    new SealedMessages(await key).open(sealed).then(
      () => true,
      () => false,
    );
  expect(await opens(keyOf(secret, salts, 'opener'))).toBe(true);
  expect(await opens(keyOf(secret, salts, 'joiner'))).toBe(false);
  expect(await opens(keyOf(secret, { ...salts, joiner: newSalt() }, 'opener'))).toBe(false);
  expect(await opens(keyOf({ ...secret, room: 'other' }, salts, 'opener'))).toBe(false);
});

test('[SD2] another version of the protocol, and what is no greeting, are refused', async () => {
  const open = async (hello: Message) => {
    const opener = new RelayLine({ relay: server.url, webSocket: plainSocket });
    const secret = { room: (await opener.told('room')) as string, key: newKey() };
    const joiner = plainSocket(`${server.url.replace('http', 'ws')}rooms/${secret.room}`);
    await opener.told('joined');
    joiner.send(hello);
    const opened = SecretChannel.open(opener, secret, 'opener');
    await expect(opened).rejects.toMatchObject({ code: 'bad-link' });
    opener.close();
  };
  const newer = encodeHello(newSalt());
  newer[4] = 2;
  await open(newer);
  await open(Uint8Array.of(1, 2, 3));
});

test('a peer that sends what is no note is ended', async () => {
  const { near, far } = await channels();
  void near.tell([1] as never);
  expect(await ended(far)).toMatchObject({ code: 'migration-failed' });
  await near.close();
});

test('a peer that floods with notes is ended', async () => {
  const { near, far } = await channels();
  for (let i = 0; i < 40; i++) void near.tell({ flood: i });
  expect(await ended(far)).toMatchObject({ code: 'migration-failed' });
});

test("the other device's reason arrives, as its own words", async () => {
  const { near, far } = await channels();
  const { HoldfastError } = await import('../../errors.ts');
  await near.close(new HoldfastError('not-approved', 'No.'));
  expect(await ended(far)).toMatchObject({
    code: 'not-approved',
    message: 'The other device: No.',
  });
});
