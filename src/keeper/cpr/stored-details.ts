/** The keeper's data in the store's list of machines, see `StoredMachine.details`. */
import { HoldfastError } from '../../errors.ts';
import { type DriveName, driveNames, type MachineConfig } from '../../protocol/config.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { NeededFile } from '../../protocol/stored.ts';
import type { Store } from '../../store/types.ts';

/** Members are only ever added. */
export interface StoredDetails {
  /** Includes the contents of small files that the user picked, unlike the one in a vmstate. */
  config: MachineConfig;
  runtime: RuntimeSource;
  /** Large files: `config` contains only their names. */
  files?: readonly NeededFile[];
  /** The guest was handed over to another browser then. It is resumed here only when it is taken over. */
  movedAtMs?: number;
}

/**
 * Every checkpoint writes the details again, and browsers copy a stored file byte by byte. So
 * larger files remain with the user. A floppy is smaller.
 */
const largestStoredFile = 4 << 20;

export function detailsOf(config: MachineConfig, runtime: RuntimeSource): StoredDetails {
  const stored = { ...config };
  const files: NeededFile[] = [];
  for (const device of driveNames) {
    const source = config[device];
    const file = source && 'file' in source ? source.file : undefined;
    // A Blob made in memory cannot be picked again.
    if (!(file instanceof File) || file.size <= largestStoredFile) continue;
    const { name, size: sizeBytes, lastModified } = file;
    files.push({ device, name, sizeBytes, lastModifiedMs: lastModified });
    stored[device] = { file: new File([], name, { lastModified }) };
  }
  return { config: stored, runtime, ...(files.length > 0 && { files }) };
}

/**
 * Returns the configuration with the files that are not stored.
 * @throws HoldfastError `file-needed` with the names of those that are missing
 */
export function withFiles(
  { config, files = [] }: Pick<StoredDetails, 'config' | 'files'>,
  given: Partial<Record<DriveName, Blob>> = {},
): MachineConfig {
  const complete = { ...config };
  const missing: string[] = [];
  for (const { device, name, sizeBytes } of files) {
    const file = given[device];
    if (file) complete[device] = { file };
    else missing.push(`"${name}" (${device}, ${sizeBytes} bytes)`);
  }
  if (missing.length === 0) return complete;
  throw new HoldfastError(
    'file-needed',
    `This machine was started with ${missing.join(' and ')} of its user's computer: too large to be stored with it. Provide it again to resume.`,
  );
}

/**
 * Returns the configuration without the lineage if it is of a copy made in storage. A copy is a
 * clone: it has the original's details until it is stored again.
 */
export function ofOwnLineage(config: MachineConfig, id: string): MachineConfig {
  if (config.id === undefined || config.id === id) return config;
  const { lineage: _lineage, ...clone } = config;
  return clone;
}

/** Returns the store's data about a machine; undefined if the machine is not in the store. */
export async function storedDetails(
  store: Store,
  id: string,
): Promise<Partial<StoredDetails> | undefined> {
  const machine = (await store.machines()).find((candidate) => candidate.id === id);
  return machine && ((machine.details as Partial<StoredDetails> | undefined) ?? {});
}

/** Returns the stored configuration of a machine. */
export async function storedConfig(store: Store, id: string): Promise<MachineConfig | undefined> {
  return (await storedDetails(store, id))?.config;
}
