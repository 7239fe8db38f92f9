import type { Page } from '@playwright/test';
import type { MachineConfig } from '../protocol/config.ts';
import type { RuntimeSource } from '../protocol/keeper-api.ts';
import { callMachine } from './page-machine.ts';

/** `undefined` takes an option away. */
export type ConfigChange = { [Option in keyof MachineConfig]?: MachineConfig[Option] | undefined };

export function changed(config: MachineConfig, change: ConfigChange): MachineConfig {
  const asked = Object.entries({ ...config, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(asked) as unknown as MachineConfig;
}

/** Starts a machine in place of the one that runs, with what the guest wrote to its hard disks. */
export async function restartWithDisks(
  page: Page,
  config: MachineConfig,
  runtime: RuntimeSource,
): Promise<void> {
  await callMachine(
    page,
    async (machine, given) => {
      await machine.pause();
      const disks: Pick<MachineConfig, 'hda' | 'hdb'> = {};
      for (const { device, medium } of await machine.infoBlock()) {
        if ((device !== 'hda' && device !== 'hdb') || !medium) continue;
        const image = await new Response(machine.diskImage(device)).arrayBuffer();
        disks[device] = { bytes: new Uint8Array(image) };
      }
      await machine.start({ ...given.config, ...disks }, given.runtime, { replace: true });
    },
    { config, runtime },
  );
}
