/** The contents of a new machine, read before it starts. */
import type { MachineConfig } from '../protocol/config.ts';
import type { MachineOptions } from '../protocol/options/machine-options.ts';
import { type Firmware, machineConfig } from './options/machine-config.ts';
import { type LoadedFile, shareFiles } from './options/ninep-input.ts';
import type { Machine } from './types.ts';

export interface MachineContents {
  config: MachineConfig;
  /** Files for its 9p share. */
  files: readonly LoadedFile[];
}

/**
 * Reads the files of a machine, so that a missing one is found before the guest runs.
 * @throws HoldfastError `bad-config`, `image-unavailable`
 */
export async function loadContents(
  options: MachineOptions,
  firmware: Firmware,
): Promise<MachineContents> {
  const config = await machineConfig(options, firmware);
  return { config, files: await shareFiles(options.filesystem9p) };
}

/** Copies the files into the share of a machine that has just been started. */
export async function fillShare(
  machine: Machine,
  { files }: Pick<MachineContents, 'files'>,
): Promise<void> {
  for (const { path, bytes } of files) await machine.filesWrite(path, bytes);
}
