import type { DeviceStateItem, ImportRequest } from '../../protocol/state-transfer.ts';
import { abortable } from '../runtimes/abortable.ts';
import { receiveState } from '../transfer/receive-state.ts';
import { type MachineEnvironment, MachineHost } from './machine-host.ts';

/**
 * Makes a machine of a guest that arrives at `port`. The one that is there is not touched.
 * @throws HoldfastError of whoever sends it, or what starting a machine throws
 */
export async function startOpened(
  { config, runtime, ranges, identity, replace = false }: ImportRequest,
  port: MessagePort,
  environment: MachineEnvironment,
  signal: AbortSignal,
): Promise<{ machine: MachineHost; takenAtMs: number }> {
  // Its memory is filled while the runtime is fetched and made ready.
  let arriving: Promise<DeviceStateItem> | undefined;
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
    const takenAtMs = await abortable(
      machine.operations.openState(arriving as Promise<DeviceStateItem>, { config, identity }),
      signal,
    );
    return { machine, takenAtMs };
  } catch (thrown) {
    machine.end();
    throw thrown;
  }
}
