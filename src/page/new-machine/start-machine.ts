/** Starts a described machine in a keeper of its own, beside the one that the page shows. */
import { CprError } from '../../errors.ts';
import { fillShare, loadContents } from '../../machine/machine-contents.ts';
import type { MachineOptions } from '../../machine/options/machine-options.ts';
import type { Machine } from '../../machine/types.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { RuntimeSource } from '../../protocol/keeper-api.ts';
import { BootProgress, type ProgressView } from '../boot-progress.ts';
import { firmware, loadGuest } from '../guest.ts';

export interface StartRequest {
  options: MachineOptions;
  /** Boots the demo Linux, with the options' other parts. */
  isDemo: boolean;
  /** What this page gives every machine: its id, and whether it is kept. */
  own: Partial<MachineConfig> & { id: string };
  runtime: RuntimeSource;
  connect(machineId: string): Promise<Machine>;
  onProgress(view: ProgressView): void;
  signal: AbortSignal;
}

/**
 * Resolves with a connection to the machine, which runs.
 * @throws CprError of reading and starting it, after which nothing of it is left; `cancelled`
 */
export async function startMachine(request: StartRequest): Promise<Machine> {
  const { own, runtime, connect, onProgress, signal } = request;
  const base = document.baseURI;
  const contents = await loadContents(
    request.isDemo ? await withDemo(request.options, base) : request.options,
    firmware(base),
  );
  signal.throwIfAborted();
  const machine = await connect(own.id);
  const progress = new BootProgress();
  machine.on('progress', (file) => {
    progress.add(file);
    onProgress(progress.view(false));
  });
  try {
    await Promise.race([machine.start({ ...contents.config, ...own }, runtime), aborted(signal)]);
    await fillShare(machine, contents);
    return machine;
  } catch (thrown) {
    // Nobody would ever come to it.
    await machine.destroy().catch(() => {});
    machine.close();
    throw thrown;
  }
}

/** Kernel, initrd and, unless there is another, the command line of the demo Linux. */
async function withDemo(options: MachineOptions, base: string): Promise<MachineOptions> {
  const { config } = await loadGuest('linux', base);
  const { name, bzImage, initrd, cmdline } = config;
  return {
    name,
    ...(cmdline !== undefined && { cmdline }),
    ...options,
    ...(bzImage && { bzImage }),
    ...(initrd && { initrd }),
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () =>
      reject(CprError.from(signal.reason, 'cancelled', 'The new machine was called off'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}
