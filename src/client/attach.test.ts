import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { abiVersion } from '../protocol/abi.ts';
import { answeredNames } from '../protocol/keeper-calls.ts';
import { answerLookups, type KeeperAddress, type MoveAnswer } from '../protocol/keeper-lookup.ts';
import { exposeKeeper } from '../protocol/rpc.ts';
import { attach } from './attach.ts';
import type { KeeperWorker } from './keeper-worker.ts';

const url = 'https://site.test/keeper.js';
const ports: MessagePort[] = [];

beforeEach(() => {
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('document', { baseURI: 'https://site.test/' });
});
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
  vi.unstubAllGlobals();
});

interface FakeKeeper {
  address: KeeperAddress;
  build: string;
  movedTo?: KeeperAddress;
  /** The page's events. */
  events?: MessagePort;
}

/** Serves this keeper, which moves its guest as soon as a page asks. */
function workerOf(keeper: FakeKeeper, another: KeeperWorker['another']): KeeperWorker {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const { name } = keeper.address;
  answerLookups(port2, {
    where: () => {
      const { build, movedTo } = keeper;
      return { name, build, abi: abiVersion, ...(movedTo && { movedTo }) };
    },
    move: ({ to, answers }) => {
      keeper.movedTo = to;
      keeper.events?.postMessage({ type: 'moved', to });
      answers.postMessage({ type: 'moved', to } satisfies MoveAnswer);
    },
    dismiss: () => {},
  });
  const info = () => ({ instanceId: name, abiVersion, methods: answeredNames, machine: null });
  const api = {
    info,
    ping: () => 0,
    took: () => {},
    migrateIncoming: () => new Promise(() => {}),
    attach: (events: MessagePort) => {
      keeper.events = events;
      ports.push(events);
      return info();
    },
  };
  exposeKeeper(api as never, port2);
  return {
    port: port1,
    failed: new Promise(() => {}),
    leave: () => {},
    address: keeper.address,
    ownUrl: url,
    ...(another && { another }),
  };
}

test('[KM5] an upgrade that this page cannot follow is rejected', async () => {
  let opened = 0;
  const another = (address: KeeperAddress): KeeperWorker => {
    const worker = workerOf({ address, build: 'new' }, another);
    if (++opened === 1) return worker;
    const failed = Promise.reject(new Error('The worker does not start.'));
    failed.catch(() => {});
    return { ...worker, failed, port: new MessageChannel().port1 };
  };
  const first = { address: { name: 'holdfast', url }, build: 'old' };
  const machine = await attach(workerOf(first, another), { silenceMs: 2000 });
  await expect(machine.upgradeKeeper()).rejects.toMatchObject({ code: 'keeper-moved' });
});

test('[KM4] an upgrade is complete once this page is where the guest has gone since', async () => {
  const later = { name: 'holdfast.2-b', url };
  const another = (address: KeeperAddress): KeeperWorker => {
    const movedTo = opened++ > 0 && address.name !== later.name ? { movedTo: later } : {};
    return workerOf({ address, build: 'new', ...movedTo }, another);
  };
  let opened = 0;
  const first = { address: { name: 'holdfast', url }, build: 'old' };
  const machine = await attach(workerOf(first, another), { silenceMs: 2000 });
  await machine.upgradeKeeper();
  expect(machine.keeper.instanceId).toBe(later.name);
});
