import type { DeviceStateItem, ImportRequest } from '../../protocol/state-transfer.ts';
import { abortable } from '../runtimes/abortable.ts';
import { receiveState } from '../transfer/receive-state.ts';
import { type MachineEnvironment, MachineHost } from './machine-host.ts';

/**
 * Creates a machine from a guest that arrives at `port`. The present machine is not touched.
 * @throws HoldfastError of the sender, or errors of starting a machine
 */
export async function startOpened(
  { config, runtime, ranges, identity, replace = false, canBeLazy = false }: ImportRequest,
  port: MessagePort,
  environment: MachineEnvironment,
  signal: AbortSignal,
): Promise<{ machine: MachineHost; takenAtMs: number }> {
  // The memory is filled while the runtime is fetched and prepared.
  let deviceState: Promise<DeviceStateItem> | undefined;
  const failed = new AbortController();
  const receive = (machine: MachineHost) => {
    deviceState = receiveState(machine, { ranges, canBeLazy }, port);
    // A guest that does not arrive needs no runtime.
    deviceState.catch((thrown) => failed.abort(thrown));
  };
  const request = { config, runtime, incoming: true, replace };
  const starting = AbortSignal.any([signal, failed.signal]);
  const machine = await MachineHost.start(request, environment, starting, receive);
  try {
    const takenAtMs = await abortable(
      machine.operations.openState(deviceState as Promise<DeviceStateItem>, { config, identity }),
      signal,
    );
    return { machine, takenAtMs };
  } catch (thrown) {
    machine.end();
    throw thrown;
  }
}
