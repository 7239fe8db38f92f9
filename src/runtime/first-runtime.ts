/**
 * A machine's first runtime, for a guest that comes from elsewhere: storage, a file, another browser.
 * It is made where it will run, in the guest's memory: nobody is there whose runtime it would disturb.
 * Guest RAM, which may be arriving already, is left alone.
 */
import { CprError } from '../errors.ts';
import type { PreparedRuntime } from '../protocol/abi.ts';
import { type Building, buildShell, checkPlacement, readyDevices } from './boot/build-shell.ts';
import { Machine, type MachineOptions } from './machine.ts';
import { blockOf } from './shell/blocks.ts';
import { PageOps } from './shell/page-ops.ts';
import { saveDevices } from './state/device-state.ts';
import { DeviceTemplate } from './state/device-template.ts';
import { readIncoming } from './state/incoming.ts';

export async function prepareIncoming(
  building: Building,
  parts: Omit<MachineOptions, 'shell' | 'screen' | 'ops' | 'template'>,
): Promise<PreparedRuntime> {
  const { host, wasm } = building;
  const ops = new PageOps(host.memory);
  try {
    const { shell, screen } = await buildShell(building, host.memory);
    checkPlacement(host, shell);
    readyDevices(shell, host);
    // A guest that is waited for gains nothing from a rehearsal.
    const template = new DeviceTemplate(saveDevices(shell.cpu, host.clock));
    const takeOver = () => new Machine({ ...parts, shell, screen, ops, template });
    return {
      boot() {
        throw new CprError('internal', 'This runtime was made for a guest that arrives.');
      },
      load(vmstate) {
        // All of it is read and checked before anything is touched.
        const state = readIncoming(vmstate, parts.digest, template);
        const machine = takeOver();
        machine.load(state, { isWarm: wasm.warm });
        return machine;
      },
      discard() {
        shell.destroy();
        wipe(building, ops);
      },
    };
  } catch (thrown) {
    wipe(building, ops);
    throw thrown;
  }
}

/** Whoever is made ready next, and whatever is restored, relies on memory that is zero. */
function wipe({ host }: Building, ops: PageOps): void {
  const list = blockOf(host, 'runtime.incoming').address;
  const runtimeAndGuest = { start: 0, end: blockOf(host, 'runtime.parked').address };
  const count = ops.findNonzero([runtimeAndGuest], list);
  ops.clear(list, count);
  new Uint8Array(host.memory.buffer, list, count * 4).fill(0);
}
