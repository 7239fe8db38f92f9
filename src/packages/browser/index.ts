/**
 * The npm package: all of Holdfast for an application, with keeper, runtimes and firmware. The package
 * finds its own files.
 *
 * ```ts
 * import { createMachine, demoLinux } from 'holdfast';
 *
 * const machine = await createMachine(demoLinux);
 * console.log((await machine.execute('uname -a')).stdout);
 * ```
 * @module
 */
import {
  type CreateOptions,
  createMachine as createWith,
  type HoldfastAssets,
} from '../../client/create-machine.ts';
import type { Machine } from '../../client/types.ts';
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import { files } from './asset-files.ts';

export type { CreateOptions, HoldfastAssets } from '../../client/create-machine.ts';
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
export { textOptions } from '../../protocol/options/text-options.ts';

/** The files of this package, newest v86 first. */
export const packageAssets: HoldfastAssets = {
  keeperUrl: files.keeperUrl,
  firmware: files.firmware,
  runtimes: files.runtimes,
};

/**
 * The Linux that comes with Holdfast: a shell on the first serial port and the screen, the agent on the
 * second. Unchanged, it opens at its prompt. With options of another machine, it boots.
 */
export const demoLinux: MachineOptions = files.demo.options;

/**
 * Returns the machine of this page's `machineId`. If it runs, the page attaches to it, also if another
 * page started it. Otherwise, with `durable`, the one in storage resumes from its last checkpoint.
 * Otherwise a new one starts with these options. So the same call starts a guest and finds it after a
 * reload.
 * @throws {HoldfastError} `bad-config` before anything else happens, naming each option that is not
 * acceptable and what is allowed; and errors of connecting and starting
 */
export function createMachine(options: CreateOptions): Promise<Machine> {
  return createWith(options, files);
}
