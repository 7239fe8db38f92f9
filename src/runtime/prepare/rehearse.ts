import type { V86Core } from '../core/v86-core.ts';
import { yieldToEventLoop } from '../core/yield-to-event-loop.ts';
import { loadDevices, saveDevices } from '../state/device-state.ts';
import { DeviceTemplate } from '../state/device-template.ts';

/** Enough for the engine to compile that code. */
const rounds = 3;

/**
 * Saves and perhaps loads the state of a new core. This code is then compiled before a guest stops.
 * @returns the template of these devices' state
 */
export async function rehearse(
  core: V86Core,
  clock: () => number,
  { loads }: { loads: boolean },
): Promise<DeviceTemplate> {
  for (let round = 1; ; round++) {
    await yieldToEventLoop();
    const state = saveDevices(core.cpu, clock);
    await yieldToEventLoop();
    const template = new DeviceTemplate(state);
    if (loads) loadDevices(core.cpu, template.read(state), clock);
    if (round === rounds) return template;
  }
}
