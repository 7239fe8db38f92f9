/**
 * A machine's first runtime, for a guest from elsewhere: storage, a file, another browser. It is
 * built in the guest's own memory, since no other runtime is in use there. Guest RAM is left alone:
 * its contents may already be arriving.
 */
import { HoldfastError } from '../errors.ts';
import type { PreparedRuntime } from '../protocol/abi.ts';
import { type Building, buildCore, checkPlacement, readyDevices } from './boot/build-core.ts';
import { blockOf } from './core/blocks.ts';
import { PageOps } from './core/page-ops.ts';
import { rehearse } from './prepare/rehearse.ts';
import { saveDevices } from './state/device-state.ts';
import { DeviceTemplate } from './state/device-template.ts';
import { readIncoming } from './state/incoming.ts';
import { V86Runtime, type V86RuntimeParts } from './v86-runtime.ts';

export async function prepareIncoming(
  building: Building,
  parts: Omit<V86RuntimeParts, 'core' | 'screen' | 'ops' | 'template'>,
  { isRehearsed }: { isRehearsed: boolean },
): Promise<PreparedRuntime> {
  const { host, wasm } = building;
  const ops = new PageOps(host.memory);
  try {
    const { core, screen } = await buildCore(building, host.memory);
    checkPlacement(host, core);
    readyDevices(core, host);
    // A rehearsal would only delay a guest that runs nowhere else meanwhile.
    const template = isRehearsed
      ? await rehearse(core, host.clock, { loads: true })
      : new DeviceTemplate(saveDevices(core.cpu, host.clock));
    const takeOver = () => new V86Runtime({ ...parts, core, screen, ops, template });
    return {
      boot() {
        throw new HoldfastError('internal', 'This runtime was made for a guest that arrives.');
      },
      load(vmstate) {
        // All of it is read and checked before anything is changed.
        const state = readIncoming(vmstate, parts.digest, template);
        const machine = takeOver();
        machine.load(state, { isWarm: wasm.warm });
        return machine;
      },
      discard() {
        core.destroy();
        wipe(building, ops);
      },
    };
  } catch (thrown) {
    wipe(building, ops);
    throw thrown;
  }
}

/** Zeroes the memory: the next runtime and a restore rely on it. */
function wipe({ host }: Building, ops: PageOps): void {
  const list = blockOf(host, 'runtime.incoming').address;
  const runtimeAndGuest = { start: 0, end: blockOf(host, 'runtime.parked').address };
  const count = ops.findNonzero([runtimeAndGuest], list);
  ops.clear(list, count);
  new Uint8Array(host.memory.buffer, list, count * 4).fill(0);
}
