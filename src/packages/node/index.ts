/**
 * Machines in Node, without a browser. Each has a thread of its own.
 *
 * ```ts
 * import { createMachine, demoLinux } from 'holdfast/node';
 *
 * const machine = await createMachine(demoLinux);
 * console.log((await machine.execute('uname -a')).stdout);
 * machine.close();
 * ```
 * @module
 */
import { assets, demo, stateWorkerUrl } from 'virtual:holdfast-assets';
import { attach } from '../../client/attach.ts';
import {
  type CreateOptions,
  type HoldfastAssets,
  startMachine,
} from '../../client/create-machine.ts';
import type { Machine } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import { setBaseUrl } from '../../protocol/base-url.ts';
import { sentence } from '../../protocol/options/check-options.ts';
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import { openStateWorkersBy } from '../../state-file/worker-client.ts';
import { type NodeMachineOptions, withFileUrls } from './local-files.ts';
import { requirePublic } from './public-hosts.ts';
import { openKeeperThread, openStateThread } from './worker-thread.ts';

export * from '../../index.ts';
export { checkOptions } from '../../protocol/options/check-options.ts';
export type {
  DiskInput,
  ImageInput,
  MachineOptions,
  NinepFile,
  NinepInput,
  OptionProblem,
} from '../../protocol/options/machine-options.ts';
export type { LocalFile, NodeMachineOptions } from './local-files.ts';

export interface NodeCreateOptions
  extends NodeMachineOptions,
    Pick<CreateOptions, 'runtime' | 'silenceMs'> {}

/**
 * The Linux that comes with Holdfast: a shell on the first serial port and the screen, the agent on the
 * second. Unchanged, it opens at its prompt. With options of another machine, it boots.
 */
export const demoLinux: MachineOptions = demo.options;

/** The files of this package, newest v86 first. */
export const packageAssets: HoldfastAssets = assets;

/** Options that need a page, or a browser's storage. */
const ofBrowsers = ['durable', 'suspendWhenHiddenMs', 'machineId', 'keeperUrl', 'host', 'worker'];

const files = new URL(__HOLDFAST_FILES__, import.meta.url);
// URLs in options and in state files are relative to the package's files, as on a site.
setBaseUrl(files.href);
openStateWorkersBy(() => openStateThread(stateWorkerUrl));

/**
 * Starts a machine in a thread of its own, which {@link Machine.close} ends. Consoles, commands,
 * snapshots, live updates and state files are as in a page. Node has no storage. Checkpoints, the storage
 * and `cprSave` to the store reject with `storage-unavailable`.
 * @throws {HoldfastError} `bad-config` before anything else happens, `image-unavailable`, and errors of
 * starting
 */
export async function createMachine(options: NodeCreateOptions): Promise<Machine> {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || !ofBrowsers.includes(option)) continue;
    const allowed = 'given only in a browser';
    throw new HoldfastError('bad-config', sentence({ option, given: 'given in Node', allowed }));
  }
  const { runtime, silenceMs, ...given } = options;
  const ready = await withFileUrls(given);
  const open = () => openKeeper({ silenceMs });
  return startMachine(ready, open, { ...assets, demo, ...(runtime && { runtimes: [runtime] }) });
}

/**
 * Starts a thread without a guest, for {@link Machine.migrateIncoming} or {@link Machine.openState}.
 * {@link Machine.close} ends the thread.
 */
export function openKeeper({
  silenceMs,
}: Pick<NodeCreateOptions, 'silenceMs'> = {}): Promise<Machine> {
  const { keeperUrl, runtimes } = assets;
  return attach(openKeeperThread(keeperUrl), { silenceMs, runtimes, requirePublic });
}
