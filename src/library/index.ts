/**
 * The npm package: everything of Holdfast that an application uses, with its keeper, its emulators
 * and its firmware, which it finds by itself.
 *
 * ```ts
 * import { createMachine } from 'holdfast';
 *
 * const machine = await createMachine({ cdrom: 'images/debian.iso', memoryMiB: 256 });
 * await machine.console().waitFor(/login:/);
 * ```
 * @module
 */
import { assets } from 'virtual:holdfast-assets';
import {
  type CreateOptions,
  createMachine as createWith,
  type HoldfastAssets,
} from '../machine/create-machine.ts';
import type { Machine } from '../machine/types.ts';

export * from '../index.ts';
export type { CreateOptions, HoldfastAssets } from '../machine/create-machine.ts';
export { checkOptions } from '../machine/options/check-options.ts';
export type {
  DiskInput,
  ImageInput,
  MachineOptions,
  OptionProblem,
  ShareFile,
  ShareInput,
} from '../machine/options/machine-options.ts';
export { textOptions } from '../machine/options/text-options.ts';

/** The files of this package, newest v86 first. */
export const packageAssets: HoldfastAssets = assets;

/**
 * The machine of this page's `machineId`: the one that runs, in whichever page it was started; else,
 * with `durable`, the one in storage, from its last checkpoint; else a new one with these options.
 * So the same call starts a guest and finds it again after a reload.
 * @throws {CprError} `bad-config` before anything else happens, naming each option that is not
 * acceptable and what is allowed; and what connecting and starting reject with
 */
export function createMachine(options: CreateOptions): Promise<Machine> {
  return createWith(options, assets);
}
