import { expect, test } from 'vitest';
import {
  answerLookups,
  askWhere,
  firstNameOf,
  generationOf,
  keeperAmong,
  keeperLockName,
  type MoveMessage,
  nextName,
  sendDismiss,
  sendMove,
} from './keeper-lookup.ts';

test('[KL2] a later name counts the moves and names the same machine', () => {
  const second = nextName('holdfast-my-machine', 'a1');
  const third = nextName(second, 'b2');
  expect([second, third]).toEqual(['holdfast-my-machine.1-a1', 'holdfast-my-machine.2-b2']);
  expect(firstNameOf(third)).toBe('holdfast-my-machine');
  expect(generationOf(third, 'holdfast-my-machine')).toBe(2);
});

test.each([
  'holdfast-a',
  'holdfast.0-a',
  'holdfast.1',
  'holdfast.1-',
  'holdfast.1-A',
  `holdfast.1-${'a'.repeat(65)}`,
  'holdfast.1000000000-a',
  'x.1-a',
])('[KL2] %s is no later name of holdfast', (name) =>
  expect(generationOf(name, 'holdfast')).toBeUndefined(),
);

test('[KL2] the largest generation and the longest random part are allowed', () => {
  const name = `holdfast.999999999-${'a'.repeat(64)}`;
  expect(generationOf(name, 'holdfast')).toBe(999_999_999);
});

const url = 'https://site.test/app/keeper.js';
const lock = (name: string, at = url) => keeperLockName({ name, url: at });
const first = (name: string) => ({ name, url });

test('[KL3] [KL4] the highest generation of the machine has the guest', () => {
  const locks = [
    'holdfast-machine-default',
    lock('holdfast.9-a'),
    lock('holdfast.10-b'),
    lock('holdfast-other.11-c'),
    lock('holdfast.x-d'),
    'holdfast.keeper holdfast.12-e',
    `${lock('holdfast.12-e')} more`,
    undefined,
  ];
  expect(keeperAmong(locks, first('holdfast'))).toEqual(first('holdfast.10-b'));
  expect(keeperAmong(locks, first('holdfast-other'))).toEqual(first('holdfast-other.11-c'));
  expect(keeperAmong(locks, first('holdfast-third'))).toEqual(first('holdfast-third'));
});

test('[KL4] a keeper whose script had another name in the same folder is found; that of another site is not', () => {
  const before = 'https://site.test/app/keeper-1a2b.js';
  const locks = [
    lock('holdfast', before),
    lock('holdfast.5-a', 'https://site.test/other/keeper.js'),
    lock('holdfast.5-b', 'https://else.test/app/keeper.js'),
    lock('holdfast.5-c', 'no address'),
  ];
  expect(keeperAmong(locks, first('holdfast'))).toEqual({ name: 'holdfast', url: before });
  expect(keeperAmong([...locks, lock('holdfast')], first('holdfast'))).toEqual(first('holdfast'));
});

test('[KL5] a keeper says who it is and where its guest went', async () => {
  const { port1, port2 } = new MessageChannel();
  const movedTo = first('holdfast.1-a');
  const place = { name: 'holdfast', build: 'b', abi: 1, movedTo };
  answerLookups(port2, { where: () => place, move: () => {}, dismiss: () => {} });
  port2.start();
  expect(await askWhere(port1)).toEqual({ type: 'holdfast.here', ...place });
  port1.close();
});

test('[KM1] [KM6] a request to move carries its ports, and a keeper can be dismissed', async () => {
  const { port1, port2 } = new MessageChannel();
  const [channel, answers, relay] = [1, 2, 3].map(() => new MessageChannel()) as [
    MessageChannel,
    MessageChannel,
    MessageChannel,
  ];
  const where = () => ({ name: '', build: '', abi: 1 });
  let dismiss = () => {};
  const dismissed = new Promise<void>((resolve) => {
    dismiss = resolve;
  });
  const received = new Promise<MoveMessage>((move) =>
    answerLookups(port2, { where, move, dismiss: () => dismiss() }),
  );
  port2.start();
  sendMove(port1, {
    to: first('x'),
    channel: channel.port1,
    answers: answers.port1,
    override: true,
    relay: relay.port1,
  });
  const message = await received;
  expect(message).toMatchObject({ to: first('x'), override: true });
  expect(message.channel).toBeInstanceOf(MessagePort);
  expect(message.answers).toBeInstanceOf(MessagePort);
  expect(message.relay).toBeInstanceOf(MessagePort);
  sendDismiss(port1);
  await dismissed;
  for (const port of [port1, channel.port2, answers.port2, relay.port2]) port.close();
});
