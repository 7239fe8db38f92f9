/** Options as a `MachineConfig` has them. */
import type { MachineOptions } from './machine-options.ts';
import { optionNames, optionTable } from './option-table.ts';

/** @param options which are allowed; those that are images stay as they are */
export function optionsInConfig(options: MachineOptions): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const name of optionNames) {
    const { [name]: value } = options;
    const { toConfig } = optionTable[name];
    if (value !== undefined) config[name] = toConfig ? toConfig(value as never) : value;
  }
  return config;
}
