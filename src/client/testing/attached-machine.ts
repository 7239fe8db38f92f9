/** For tests: a machine of a keeper in this thread. */
import type { KeeperApi } from '../../protocol/keeper-calls.ts';
import { answerLookups } from '../../protocol/keeper-lookup.ts';
import { exposeKeeper } from '../../protocol/rpc.ts';
import { attach } from '../attach.ts';
import type { OpeningRules } from '../state-files.ts';
import type { Machine } from '../types.ts';

/** The part of `Keeper` that a worker serves to pages. */
type ServedKeeper = KeeperApi &
  Parameters<typeof answerLookups>[1] & {
    connection(): Partial<KeeperApi>;
    pass(call: () => unknown): unknown;
  };

export async function attachedMachine(
  keeper: ServedKeeper,
  rules: OpeningRules,
): Promise<{ machine: Machine; close: () => Promise<void> }> {
  const { port1, port2 } = new MessageChannel();
  answerLookups(port1, keeper);
  exposeKeeper(keeper, port1, keeper.connection(), (call) => keeper.pass(call));
  const failed = new Promise<never>(() => {});
  const worker = { port: port2, failed, leave: () => port2.close() };
  // A test's computer may be busy.
  const machine = await attach(worker, { ...rules, silenceMs: 60_000 });
  const close = async () => {
    await Promise.resolve(keeper.destroy()).catch(() => {});
    machine.close();
    port1.close();
  };
  return { machine, close };
}
