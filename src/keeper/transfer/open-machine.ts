import type { CutItem, ImportRequest } from '../../protocol/state-transfer.ts';
import { type MachineEnvironment, MachineHost } from '../machine-host.ts';
import { untilAborted } from '../until-aborted.ts';
import { receiveGuest } from './import-guest.ts';

/**
 * Makes a machine of a guest that arrives at `port`. The one that is there is not touched.
 * @throws CprError of whoever sends it, or what starting a machine throws
 */
export async function openMachine(
  { config, runtime, ranges, identity }: ImportRequest,
  port: MessagePort,
  environment: MachineEnvironment,
  signal: AbortSignal,
): Promise<{ machine: MachineHost; takenAtMs: number }> {
  // Its memory is filled while the runtime is fetched and made ready.
  let arriving: Promise<CutItem> | undefined;
  const receive = (machine: MachineHost) => {
    arriving = receiveGuest(machine, ranges, port);
    // Whoever awaits it hears of a failure; it may come before anybody does.
    arriving.catch(() => {});
  };
  const request = { config, runtime, incoming: true };
  const machine = await MachineHost.start(request, environment, signal, receive);
  try {
    const takenAtMs = await untilAborted(
      machine.operations.openGuest(arriving as Promise<CutItem>, { config, identity }),
      signal,
    );
    return { machine, takenAtMs };
  } catch (thrown) {
    machine.end();
    throw thrown;
  }
}
