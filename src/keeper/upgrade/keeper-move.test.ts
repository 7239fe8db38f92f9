import { expect, test } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import type { Blocker } from '../../protocol/cpr.ts';
import type { MoveAnswer } from '../../protocol/keeper-lookup.ts';
import { KeeperMove, type MovingKeeper, sendNothing } from './keeper-move.ts';
import { PageCallGate } from './page-calls.ts';

const blocker: Blocker = { code: 'network-cannot-follow', message: '1 connection would be cut.' };

const at = (name: string) => ({ name, url: 'https://site.test/keeper.js' });

function keeperOf(parts: Partial<MovingKeeper> = {}) {
  const gate = new PageCallGate();
  const move = new KeeperMove(
    {
      blockers: async () => [],
      send: async (_request, stopped) => {
        stopped();
        return { downtimeMs: 3 };
      },
      ...parts,
    },
    gate,
  );
  const request = (
    name: string,
    override = false,
    channel = new MessageChannel().port1,
    relay?: MessagePort,
  ) => {
    const to = at(name);
    const answers: MoveAnswer[] = [];
    const port = { postMessage: (answer: MoveAnswer) => answers.push(answer) } as never;
    const message = { to, channel, answers: port, override, ...(relay && { relay }) };
    const done = move.request({ type: 'holdfast.move', ...message });
    return { answers, done };
  };
  return { gate, request };
}

test('[KM2] a guest that was moved is reported with its downtime', async () => {
  const { gate, request } = keeperOf();
  const { answers, done } = request('holdfast.1-a');
  await done;
  expect(answers).toEqual([{ type: 'moved', to: at('holdfast.1-a'), downtimeMs: 3 }]);
  expect(gate.movedTo).toEqual(at('holdfast.1-a'));
  const later = request('holdfast.1-b');
  await later.done;
  expect(later.answers).toEqual([{ type: 'moved', to: at('holdfast.1-a') }]);
});

test('[KM2] blockers stop a move before it begins, unless it overrides them', async () => {
  const { gate, request } = keeperOf({ blockers: async () => [blocker] });
  const refused = request('holdfast.1-a');
  await refused.done;
  expect(refused.answers).toEqual([{ type: 'blocked', blockers: [blocker] }]);
  expect(gate.movedTo).toBeUndefined();
  await request('holdfast.1-a', true).done;
  expect(gate.movedTo).toEqual(at('holdfast.1-a'));
});

test('[KM2] a second page receives the outcome of the move under way', async () => {
  let finish = () => {};
  const sent = new Promise<{ downtimeMs?: number }>((resolve) => {
    finish = () => resolve({});
  });
  const { request } = keeperOf({ send: () => sent });
  const [first, second] = [request('holdfast.1-a'), request('holdfast.1-b')];
  expect(second.answers).toEqual([{ type: 'busy', to: at('holdfast.1-a') }]);
  finish();
  await Promise.all([first.done, second.done]);
  expect(second.answers.at(-1)).toEqual({ type: 'moved', to: at('holdfast.1-a') });
});

test('[KM2] [KM3] after a failed move the guest continues here, with the calls that waited', async () => {
  let fail = () => {};
  const { gate, request } = keeperOf({
    send: (_request, stopped) =>
      new Promise((_resolve, reject) => {
        stopped();
        fail = () => reject(new HoldfastError('out-of-memory', 'No room.'));
      }),
  });
  const { answers, done } = request('holdfast.1-a');
  await Promise.resolve();
  const made: string[] = [];
  const call = gate.pass(() => made.push('call'));
  expect(made).toEqual([]);
  fail();
  await Promise.all([done, call]);
  expect(made).toEqual(['call']);
  expect(answers).toMatchObject([{ type: 'failed', error: { code: 'out-of-memory' } }]);
});

test('[KM7] a request that moves nothing closes the relay too', async () => {
  const channel = () => new MessageChannel().port1;
  const closedOf = (port: MessagePort) =>
    new Promise((resolve) => port.addEventListener('close', resolve));
  const isBlocked = new MessageChannel();
  const blocked = keeperOf({ blockers: async () => [blocker] });
  const blockedClosed = closedOf(isBlocked.port1);
  await blocked.request('holdfast.1-a', false, channel(), isBlocked.port2).done;
  await blockedClosed;

  const isBusy = new MessageChannel();
  const busy = keeperOf({ send: () => new Promise(() => {}) });
  void busy.request('holdfast.1-a').done;
  const busyClosed = closedOf(isBusy.port1);
  void busy.request('holdfast.1-b', false, channel(), isBusy.port2).done;
  await busyClosed;
});

test('[KM2] the other keeper hears at once that no guest comes', async () => {
  const { port1, port2 } = new MessageChannel();
  const heard = new Promise((resolve) => {
    port2.onmessage = ({ data }) => resolve(data);
  });
  const sent = sendNothing(port1);
  expect(new TextDecoder().decode((await heard) as Uint8Array)).toContain('No guest comes');
  port2.close();
  await sent;
});

test('[KM2] the other keeper hears at once of a move that failed before it began', async () => {
  const { port1, port2 } = new MessageChannel();
  const heard = new Promise((resolve) => {
    port2.onmessage = ({ data }) => resolve(data);
  });
  const send = async () => {
    throw new HoldfastError('busy', 'A machine is being started.');
  };
  await keeperOf({ send }).request('holdfast.1-a', false, port1).done;
  expect(new TextDecoder().decode((await heard) as Uint8Array)).toContain('No guest comes');
  port2.close();
});
