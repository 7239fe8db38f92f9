/** For tests: a keeper in a new worker, which has only the store and one runtime. */

import type { Supplies } from '../../protocol/page-supply.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import type { FakeRuntime, FakeStore } from './fake-runtime.ts';

export function keeperOf(
  { source, module }: FakeRuntime,
  fakeStore: FakeStore,
  supplies?: Supplies,
): Keeper {
  return new Keeper(
    { instanceId: 'test', survivesPages: false, startedAtMs: 0 },
    {
      loader: new RuntimeLoader(async (url) => (url === source.url ? module : undefined)),
      openStore: async () => fakeStore.store,
      ...(supplies && { supplies }),
    },
  );
}
