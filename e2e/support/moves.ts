/** Moves of the page's guest between keepers, for code that runs in the page. */
import type { ConnectOptions, Machine } from '../../src/client/types.ts';
import {
  connect,
  type MigrateCallOptions,
  type MigrateOptions,
  type MigrateReport,
  type RuntimeSource,
} from '../../src/index.ts';
import { inspectPattern } from './in-page.ts';

export { inspectPattern };

/** The machine with the guest, after the first move. */
let arrived: Machine | undefined;

export const present = (machine: Machine): Machine => arrived ?? machine;

/** A keeper without a guest. */
export const openTarget = (
  runtimes: readonly RuntimeSource[],
  options: Partial<ConnectOptions> = {},
): Promise<Machine> => connect({ keeperUrl: 'keeper.js', runtimes, ...options });

export async function moveTo(
  machine: Machine,
  runtimes: readonly RuntimeSource[],
  connecting: Partial<ConnectOptions>,
  options: MigrateOptions = {},
): Promise<MigrateReport> {
  const from = present(machine);
  const target = await openTarget(runtimes, connecting);
  const report = await from.migrate(target, options);
  // The page's own connection stays, for the test.
  if (from !== machine) from.close();
  arrived = target;
  return report;
}

/** Resolves when the guest has finished this many passes more. */
export async function passes(machine: Machine, count: number): Promise<void> {
  const console = present(machine).console('serial0');
  const pass = new RegExp(`(?:pass \\d+\\r\\n[\\s\\S]*?){${count}}`);
  await console.waitFor(pass, { from: console.end, timeoutMs: 60_000 });
}

interface KillPoint {
  operation: 'migrate' | 'migrateIncoming' | 'cprLoad';
  step: string;
  when: 'before' | 'after';
}

/**
 * Moves the guest to a new dedicated worker, and terminates the source or the destination when it
 * reaches a point. Both are keepers of kill-keeper.ts.
 */
export async function moveAndKill(
  machine: Machine,
  runtimes: readonly RuntimeSource[],
  point: KillPoint,
): Promise<{ code: string; here: string | undefined; there: string | undefined }> {
  const target = await openTarget(runtimes, { host: 'dedicated' });
  const channel = new BroadcastChannel('holdfast-kill');
  let armed = 0;
  const stands = new Promise<void>((done) => {
    channel.onmessage = ({ data }) => {
      if ('armed' in data) armed++;
      if ('standing' in data) done();
    };
  });
  channel.postMessage({ arm: { ...point, stands: true } });
  while (armed < 2) await new Promise((next) => setTimeout(next, 5));
  const { port1, port2 } = new MessageChannel();
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => 'none',
      ({ code }) => String(code),
    );
  const arriving = codeOf(target.migrateIncoming(port2));
  const leaving = codeOf(machine.migrate(port1, { downtimeLimitMs: 20_000 }));
  await stands;
  channel.postMessage({ arm: null });
  channel.close();
  const isOfSource = point.operation === 'migrate';
  // Terminates the worker.
  (isOfSource ? machine : target).close();
  const code = await (isOfSource ? arriving : leaving);
  arrived = isOfSource ? target : undefined;
  return {
    code,
    here: isOfSource ? undefined : machine.status?.runstate,
    there: isOfSource ? target.status?.runstate : undefined,
  };
}

/** Both ends of a reliable data channel, in this page. */
export async function dataChannels(): Promise<[RTCDataChannel, RTCDataChannel]> {
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  near.onicecandidate = ({ candidate }) => void far.addIceCandidate(candidate ?? undefined);
  far.onicecandidate = ({ candidate }) => void near.addIceCandidate(candidate ?? undefined);
  const channel = near.createDataChannel('move');
  const other = new Promise<RTCDataChannel>((resolve) => {
    far.ondatachannel = (event) => resolve(event.channel);
  });
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription as RTCSessionDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription as RTCSessionDescription);
  return [channel, await other];
}

/** Moves the guest to a new keeper of this page as to another host. */
export async function moveOverDataChannel(
  machine: Machine,
  runtimes: readonly RuntimeSource[],
  options: MigrateCallOptions,
): Promise<MigrateReport> {
  const target = await openTarget(runtimes, { host: 'dedicated' });
  const [near, far] = await dataChannels();
  const arriving = target.migrateIncoming(far, { approve: () => true });
  const [report] = await Promise.all([present(machine).migrate(near, options), arriving]);
  arrived = target;
  return report;
}

/**
 * Takes the guest of another host. A Firefox that is driven by a program freezes some of its new workers:
 * another one is tried then.
 */
export async function takeOverSocket(
  runtimes: readonly RuntimeSource[],
  url: string,
): Promise<Machine> {
  for (let left = 3; ; left--) {
    try {
      const target = await openTarget(runtimes, { host: 'dedicated', silenceMs: 5_000 });
      await target.migrateIncoming(new WebSocket(url), { approve: () => true });
      arrived = target;
      return target;
    } catch (thrown) {
      if (left === 0 || (thrown as { code?: string }).code !== 'keeper-silent') throw thrown;
    }
  }
}

/** Takes the guest of another tab, as one of a worker that only this tab has. */
export async function takeOverBroadcast(
  runtimes: readonly RuntimeSource[],
  name: string,
): Promise<Machine> {
  const target = await openTarget(runtimes, { host: 'dedicated' });
  await target.migrateIncoming(new BroadcastChannel(name));
  arrived = target;
  return target;
}
