/**
 * Every section of a vmstate: its name, its version, and what its JSON holds. The one place where
 * keeper, runtime and tests encode and decode them. See docs/spec/vmstate.md, "Sections of version 2".
 */
import { HoldfastError } from '../errors.ts';
import type { Section } from './envelope.ts';
import {
  boolean,
  type Checker,
  decodeJson,
  distinct,
  encodeJson,
  integer,
  type JsonLimits,
  type JsonObject,
  jsonLimits,
  listOf,
  oneOf,
  openRecord,
  optional,
  pairOf,
  record,
  text,
  time,
  xxh64Text,
} from './json.ts';

/** [SE2] The version of each section that this build writes, and the only one it reads. */
export const sectionVersions = {
  emulator: 2,
  'v86.devices': 2,
  machine: 1,
  blocks: 1,
  disks: 1,
  'disk.reads': 1,
  '9p.files': 1,
  'console.input': 1,
  network: 1,
  checkpoint: 1,
  state: 1,
  thumbnail: 1,
  cut: 1,
  migration: 1,
  vmstate: 1,
  keeper: 1,
} as const;

type SectionName = keyof typeof sectionVersions;

/** The v86 that saved the device state. */
interface EmulatorSection {
  v86Version: string;
  /** `xxh64:…` of the transformed v86.wasm; absent in states of format version 1. */
  wasmDigest?: string | undefined;
}

/** The runtime that had the guest, and its URLs. */
interface RuntimeName {
  id: string;
  v86Version: string;
  url: string;
  wasmUrl: string;
}

/** The identity of the machine, and its execution state. */
export interface MachineSection<Config extends object = JsonObject> {
  id: string;
  name: string;
  /** The machine's whole configuration. Only members that every build knows are checked here. */
  config: Config;
  runstate: 'running' | 'paused' | 'suspended';
  wasSuspended: boolean;
  mode: 'restart' | 'reboot';
  /** Random: RAM and device state that were saved at the same moment have the same value. */
  cut: string;
  savedAtMs: number;
  runtime: RuntimeName;
}

/** The RAM blocks that the device state belongs to. */
export interface BlocksSection {
  blocks: {
    name: string;
    sizeBytes: number;
    /** `xxh64:…` of the contents, if requested. */
    digest?: string | undefined;
  }[];
  /** Position of the guest's memory within the blocks, as the runtimes chose it; opaque. */
  placement: string;
}

/** A drive and its medium; the members are those of `DiskIdentity` in src/protocol. */
export interface DiskSection {
  device: string;
  sizeBytes: number;
  base: string;
  baseDigest?: string | undefined;
  generation: number;
}

/** The drives with a medium. */
interface DisksSection {
  disks: readonly DiskSection[];
}

/** Pending disk reads of the guest: the runtime that loads the state repeats them. */
export interface DiskReadsSection {
  readonly reads: readonly {
    device: string;
    /** In bytes. */
    start: number;
    length: number;
    /** The drive's command, as in its register. */
    command: number;
    /** For a packet command without DMA: the number of bytes that the guest takes at a time. */
    byteLimit?: number | undefined;
  }[];
}

/** The files of the 9p share whose contents belong to the tree in `v86.devices`. */
export interface ShareFilesSection {
  /** Inode and length in bytes. */
  files: readonly (readonly [inode: number, sizeBytes: number])[];
}

/** Connections that a runtime without the same wire must reset for the guest. */
export interface NetworkSection {
  connections: readonly {
    /** Address and port, `192.168.86.100:1024`. */
    guest: string;
    remote: string;
    /** TCP sequence number of the next byte to the guest that it has not acknowledged. */
    sequence: number;
  }[];
}

/** Mode `reboot`: the checkpoint with the rest of the guest. */
export interface CheckpointSection {
  machineId: string;
  generation: number;
  /** `xxh64:…` of the checkpoint's manifest. */
  manifestDigest: string;
}

/** The head of a state file: a description of the machine that follows. */
export interface StateSection {
  title: string;
  createdAtMs: number;
  machineId: string;
  /** Checked as in `machine`; URLs under the writer's site are relative to that site. */
  config: JsonObject;
  v86Version: string;
  /** Parts of RAM blocks; the guest's page numbers count through all of them. */
  ranges: { block: string; offsetBytes: number; pages: number }[];
  /** The base, whose pages and blobs come before those of this file. */
  base?: { url: string; digest: string } | undefined;
}

/** Other data of the moment at which a state file's guest was saved. */
interface CutSection {
  takenAtMs: number;
  /** Number of bytes that each console has written. */
  consoles: readonly (readonly [name: string, end: number])[];
  /** Generation of each set of pieces. */
  pieces: readonly (readonly [name: string, generation: number])[];
}

/** The source of a migration, and what its destination needs before memory arrives. */
export interface MigrationSection {
  /** The Web Lock that the source's worker holds for its life; absent without Web Locks. */
  keeperLock?: string | undefined;
  downtimeLimitMs: number;
}

/**
 * Contents of each JSON section. `v86.devices` and `console.input` are values (value.ts) instead.
 */
export interface JsonSections {
  emulator: EmulatorSection;
  machine: MachineSection;
  blocks: BlocksSection;
  disks: DisksSection;
  'disk.reads': DiskReadsSection;
  '9p.files': ShareFilesSection;
  network: NetworkSection;
  checkpoint: CheckpointSection;
  state: StateSection;
  cut: CutSection;
  migration: MigrationSection;
}

const identifier = text(255, /^.+$/);
const url = text(8192);
const endpoint = text(21, /^(\d{1,3}\.){3}\d{1,3}:\d{1,5}$/);
const mebibytes = integer(1, 4096);
const byteLength = integer(0);

/**
 * Checks the members of a configuration that this format guarantees; the keeper checks the rest.
 */
const config = openRecord<{ name: string; memoryMiB: number; vgaMemoryMiB: number }>({
  name: text(1024),
  memoryMiB: mebibytes,
  vgaMemoryMiB: mebibytes,
});

/**
 * A guest without its network connections is still the same guest; without other sections it is
 * not.
 */
const optionalSections: readonly SectionName[] = ['network'];

/** Checks the name of a runtime in a vmstate. */
export const runtimeName = record<RuntimeName>({
  id: identifier,
  v86Version: identifier,
  url,
  wasmUrl: url,
});

const checkers: { [Name in keyof JsonSections]: Checker<JsonSections[Name]> } = {
  emulator: record<EmulatorSection>({ v86Version: identifier, wasmDigest: optional(xxh64Text) }),
  machine: record<MachineSection>({
    id: identifier,
    name: text(1024),
    config,
    runstate: oneOf('running', 'paused', 'suspended'),
    wasSuspended: boolean,
    mode: oneOf('restart', 'reboot'),
    cut: identifier,
    savedAtMs: time,
    runtime: runtimeName,
  }),
  blocks: record<BlocksSection>({
    blocks: distinct(
      'name',
      listOf(record({ name: identifier, sizeBytes: byteLength, digest: optional(xxh64Text) }), 64),
    ),
    placement: text(255),
  }),
  disks: record<DisksSection>({
    disks: distinct(
      'device',
      listOf(
        record<DiskSection>({
          device: identifier,
          sizeBytes: byteLength,
          base: url,
          baseDigest: optional(text(1024)),
          generation: integer(0),
        }),
        16,
      ),
    ),
  }),
  'disk.reads': record<DiskReadsSection>({
    reads: distinct(
      'device',
      listOf(
        record({
          device: oneOf('hda', 'hdb', 'cdrom', 'fda', 'fdb'),
          start: byteLength,
          length: integer(1, 1 << 27),
          command: integer(0, 255),
          byteLimit: optional(integer(0, 0xffff)),
        }),
        16,
      ),
    ),
  }),
  '9p.files': record<ShareFilesSection>({
    files: listOf(pairOf(integer(0), byteLength), 100_000),
  }),
  network: record<NetworkSection>({
    connections: listOf(
      record({ guest: endpoint, remote: endpoint, sequence: integer(0, 2 ** 32 - 1) }),
      1024,
    ),
  }),
  checkpoint: record<CheckpointSection>({
    machineId: identifier,
    generation: integer(1),
    manifestDigest: xxh64Text,
  }),
  state: record<StateSection>({
    title: text(200),
    createdAtMs: time,
    machineId: identifier,
    config,
    v86Version: identifier,
    ranges: listOf(
      record({ block: identifier, offsetBytes: byteLength, pages: integer(1, 1 << 20) }),
      16,
    ),
    base: optional(record({ url, digest: xxh64Text })),
  }),
  cut: record<CutSection>({
    takenAtMs: time,
    consoles: listOf(pairOf(identifier, byteLength), 256),
    pieces: listOf(pairOf(identifier, byteLength), 256),
  }),
  migration: record<MigrationSection>({
    keeperLock: optional(identifier),
    downtimeLimitMs: integer(1),
  }),
};

/** A share can have many files; all other sections are small. */
const limitsOf = (name: keyof JsonSections): JsonLimits =>
  name === '9p.files' ? { sectionBytes: 2 << 20, depth: 3, values: 400_000 } : jsonLimits;

/** @throws {HoldfastError} `bad-vmstate` for contents that {@link readSection} would refuse. */
export function jsonSection<Name extends keyof JsonSections>(
  name: Name,
  contents: JsonSections[Name],
): Section {
  return {
    name,
    version: sectionVersions[name],
    required: !optionalSections.includes(name),
    bytes: encodeJson(name, contents, checkers[name], limitsOf(name)),
  };
}

/**
 * @returns the contents of the section of this name; undefined if it is missing, or optional and of
 * a version that this build does not know.
 * @throws {HoldfastError} `bad-vmstate` with the section's name if its JSON is malformed;
 * `runtime-incompatible` for a version that this build does not know.
 */
export function readSection<Name extends keyof JsonSections>(
  sections: readonly Section[],
  name: Name,
): JsonSections[Name] | undefined {
  const section = sections.find((candidate) => candidate.name === name);
  if (!section) return undefined;
  if (versionOf(name) !== section.version) {
    if (!section.required) return undefined;
    throw unknownVersion(section);
  }
  return decodeJson(name, section.bytes, checkers[name], limitsOf(name));
}

/**
 * Reads every JSON section, for the keeper or the runtime.
 * @throws {HoldfastError} `bad-vmstate`, `runtime-incompatible`
 */
export function checkJsonSections(sections: readonly Section[]): void {
  for (const name of Object.keys(checkers)) readSection(sections, name as keyof JsonSections);
}

/**
 * [SE4] Finds sections that this build does not know.
 * @returns optional sections for the next vmstate, their bytes copied.
 * @throws {HoldfastError} `runtime-incompatible` for a required section that this build does not
 * know.
 */
export function unknownSections(sections: readonly Section[]): Section[] {
  const unknown = sections.filter(({ name, version }) => versionOf(name) !== version);
  const required = unknown.find((section) => section.required);
  if (required) throw unknownVersion(required);
  return unknown.map((section) => ({ ...section, bytes: section.bytes.slice() }));
}

const versionOf = (name: string): number | undefined =>
  Object.hasOwn(sectionVersions, name) ? sectionVersions[name as SectionName] : undefined;

const unknownVersion = ({ name, version }: Section) =>
  new HoldfastError(
    'runtime-incompatible',
    `This build does not know version ${version} of the section "${name}" of this vmstate. Use a newer one.`,
  );
