/** Machines that replace the running one. */
import type { MachineConfig } from '../../protocol/config.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { callMachine } from './call-machine.ts';
import type { GuestPage } from './guest-page.ts';
import type { GuestRuntimes } from './guest-runtimes.ts';

/** `undefined` removes an option. */
export type ConfigChange = { [Option in keyof MachineConfig]?: MachineConfig[Option] | undefined };

export class GuestPower {
  readonly #page: GuestPage;
  readonly #runtimes: GuestRuntimes;

  constructor(page: GuestPage, runtimes: GuestRuntimes) {
    this.#page = page;
    this.#runtimes = runtimes;
  }

  async boot(config: MachineConfig, runtime: RuntimeSource): Promise<void> {
    await this.#page.replaceMachine(() =>
      callMachine(
        this.#page.current,
        (machine, given) => machine.start(given.config, given.runtime, { replace: true }),
        { config, runtime },
      ),
    );
  }

  start(present: MachineStatus, runtime: RuntimeSource, change: ConfigChange): Promise<void> {
    return this.boot(changed(present.config, change), runtime);
  }

  /** Boots again, with the guest's writes to its hard disks. */
  async cycle({ config, runtimeId }: MachineStatus, change: ConfigChange): Promise<void> {
    const runtime = await this.#runtimes.present(runtimeId);
    const start = () =>
      callMachine(
        this.#page.current,
        async (machine, given) => {
          await machine.pause();
          const disks: Pick<MachineConfig, 'hda' | 'hdb'> = {};
          for (const { device, medium } of await machine.infoBlock()) {
            if ((device !== 'hda' && device !== 'hdb') || !medium) continue;
            const parts: BlobPart[] = [];
            // A Response would hide its errors.
            for await (const part of machine.diskImage(device))
              parts.push(part as Uint8Array<ArrayBuffer>);
            disks[device] = { bytes: new Uint8Array(await new Blob(parts).arrayBuffer()) };
          }
          await machine.start({ ...given.config, ...disks }, given.runtime, { replace: true });
        },
        { config: changed(config, change), runtime },
      );
    await this.#page.replaceMachine(start);
  }
}

function changed(config: MachineConfig, change: ConfigChange): MachineConfig {
  const asked = Object.entries({ ...config, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(asked) as unknown as MachineConfig;
}
