/** Starts a described machine in a keeper of its own, beside the one that the page shows. */

import { fillShare, loadContents, type MachineContents } from '../../client/machine-contents.ts';
import type { Machine, OpenStateOptions } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { BootProgress, type ProgressView } from '../start/boot-progress.ts';
import { firmware, type LoadedGuest, loadGuest } from '../start/guest.ts';

export interface StartRequest {
  options: MachineOptions;
  /** Boots the demo Linux, with the options' other parts. */
  isDemo: boolean;
  /** Resumes this state of v86 instead of booting. */
  v86State?: Uint8Array | undefined;
  /** Options that this page gives every machine: its id, and whether it is stored. */
  own: Partial<MachineConfig> & { id: string };
  runtime: RuntimeSource;
  connect(machineId: string): Promise<Machine>;
  onProgress(view: ProgressView): void;
  signal: AbortSignal;
}

/**
 * Resolves with a connection to the running machine.
 * @throws HoldfastError of reading and starting it, after which nothing of it is left; `cancelled`
 */
export async function startMachine(request: StartRequest): Promise<Machine> {
  const { own, v86State, runtime, connect, onProgress, signal } = request;
  const base = document.baseURI;
  const demo = request.isDemo ? await loadGuest('linux', base) : undefined;
  const options = demo ? withDemo(request.options, demo) : request.options;
  const contents = await loadContents(options, firmware(base));
  const config = { ...contents.config, ...own };
  const { promptState } = demo && isAsShipped(contents, demo) ? demo : {};
  signal.throwIfAborted();
  const machine = await connect(own.id);
  const progress = new BootProgress();
  machine.on('progress', (file) => {
    progress.add(file);
    onProgress(progress.view(false));
  });
  try {
    const { name } = config;
    const open = async () => {
      if (v86State) return machine.openV86State(v86State, config, runtime);
      const isOpened =
        promptState !== undefined &&
        (await openedAtPrompt(machine, promptState, {
          runtime,
          config: { foreign: false, ...own, name },
        }));
      if (!isOpened) await machine.start(config, runtime);
    };
    await Promise.race([open(), aborted(signal)]);
    await fillShare(machine, contents);
    return machine;
  } catch (thrown) {
    // No page would ever attach to it.
    await machine.destroy().catch(() => {});
    machine.close();
    throw thrown;
  }
}

/** Kernel, initrd and, unless there is another, the command line of the demo Linux. */
function withDemo(options: MachineOptions, { config }: LoadedGuest): MachineOptions {
  const { name, bzImage, initrd, cmdline } = config;
  return {
    name,
    ...(cmdline !== undefined && { cmdline }),
    ...options,
    ...(bzImage && { bzImage }),
    ...(initrd && { initrd }),
  };
}

/** Whether the demo Linux is unchanged. Then a state of it at its prompt exists. */
function isAsShipped({ config, files }: MachineContents, demo: LoadedGuest): boolean {
  const described = ({ name: _, durable: _durable, ...rest }: MachineConfig) =>
    JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
  return files.length === 0 && described(config) === described(demo.config);
}

/** @returns whether the state was opened; if not, the guest can still be booted */
async function openedAtPrompt(
  machine: Machine,
  url: string,
  options: OpenStateOptions,
): Promise<boolean> {
  try {
    await machine.openState(url, options);
    return true;
  } catch (thrown) {
    console.warn('The guest boots, because its state at the prompt could not be opened:', thrown);
    return false;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () =>
      reject(HoldfastError.from(signal.reason, 'cancelled', 'The new machine was called off'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}
