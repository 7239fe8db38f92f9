/** What the store's list of machines carries for the keeper, see `StoredMachine.details`. */
import { HoldfastError } from '../../errors.ts';
import { type DriveName, driveNames, type MachineConfig } from '../../protocol/config.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { NeededFile } from '../../protocol/stored.ts';
import type { Store } from '../../store/types.ts';

/** Members are only ever added. */
export interface StoredDetails {
  /** With the contents of small files that the user picked, unlike the one in a vmstate. */
  config: MachineConfig;
  runtime: RuntimeSource;
  /** Large files: of these `config` has the names alone. */
  files?: readonly NeededFile[];
}

/**
 * Every checkpoint writes the details anew, and browsers copy a stored file byte by byte: what is
 * larger than this stays with its user. A floppy is smaller.
 */
const largestStoredFile = 4 << 20;

export function detailsOf(config: MachineConfig, runtime: RuntimeSource): StoredDetails {
  const stored = { ...config };
  const files: NeededFile[] = [];
  for (const device of driveNames) {
    const source = config[device];
    const file = source && 'file' in source ? source.file : undefined;
    // What was made in memory nobody could choose again.
    if (!(file instanceof File) || file.size <= largestStoredFile) continue;
    const { name, size: sizeBytes, lastModified } = file;
    files.push({ device, name, sizeBytes, lastModifiedMs: lastModified });
    stored[device] = { file: new File([], name, { lastModified }) };
  }
  return { config: stored, runtime, ...(files.length > 0 && { files }) };
}

/**
 * The configuration with the files that are not stored.
 * @throws HoldfastError `file-needed` naming those that are not given
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
    `This machine was started with ${missing.join(' and ')} of its user's computer: too large to be stored with it. Give it again to go on.`,
  );
}

/** A copy that was made in storage is a clone: it has the original's details until it is stored anew. */
export function ofOwnLineage(config: MachineConfig, id: string): MachineConfig {
  if (config.id === undefined || config.id === id) return config;
  const { lineage: _lineage, ...clone } = config;
  return clone;
}

/** What the store's list says of a machine; undefined where it does not have it. */
export async function storedDetails(
  store: Store,
  id: string,
): Promise<Partial<StoredDetails> | undefined> {
  const machine = (await store.machines()).find((candidate) => candidate.id === id);
  return machine && ((machine.details as Partial<StoredDetails> | undefined) ?? {});
}

/** The configuration that a machine was stored with. */
export async function storedConfig(store: Store, id: string): Promise<MachineConfig | undefined> {
  return (await storedDetails(store, id))?.config;
}
