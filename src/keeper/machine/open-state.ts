import type { CutItem, ImportRequest } from '../../protocol/state-transfer.ts';
import { untilAborted } from '../runtimes/until-aborted.ts';
import { receiveState } from '../transfer/receive-state.ts';
import { type MachineEnvironment, MachineHost } from './machine-host.ts';

/**
 * Makes a machine of a guest that arrives at `port`. The one that is there is not touched.
 * @throws CprError of whoever sends it, or what starting a machine throws
 */
export async function startOpened(
  { config, runtime, ranges, identity, replace = false }: ImportRequest,
  port: MessagePort,
  environment: MachineEnvironment,
  signal: AbortSignal,
): Promise<{ machine: MachineHost; takenAtMs: number }> {
  // Its memory is filled while the runtime is fetched and made ready.
  let arriving: Promise<CutItem> | undefined;
  const failed = new AbortController();
  const receive = (machine: MachineHost) => {
    arriving = receiveState(machine, ranges, port);
    // A guest that does not arrive needs no runtime.
    arriving.catch((thrown) => failed.abort(thrown));
  };
  const request = { config, runtime, incoming: true, replace };
  const starting = AbortSignal.any([signal, failed.signal]);
  const machine = await MachineHost.start(request, environment, starting, receive);
  try {
    const takenAtMs = await untilAborted(
      machine.operations.openState(arriving as Promise<CutItem>, { config, identity }),
      signal,
    );
    return { machine, takenAtMs };
  } catch (thrown) {
    machine.end();
    throw thrown;
  }
}
