/**
 * Migrations bring a vmstate of an earlier format, or a section of an earlier version, to the present
 * one. Named, and gapless: each step leads from one version to the next. A step is frozen once its
 * target version is released. See docs/spec/vmstate.md, rules MG1 to MG3.
 */
import {
  bad,
  type Digest,
  directoryDigest,
  headerBytes,
  headerBytesOfVersion1,
  type Section,
} from './envelope.ts';
import { decodeJson, record, text } from './json.ts';

interface Step {
  /** The change, as tests and reports name it. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Migrates the bytes of a whole vmstate. */
interface FormatMigration extends Step {
  migrate(state: Uint8Array, digest: Digest): Uint8Array;
}

/** Migrates the contents of one section. */
interface SectionMigration extends Step {
  readonly section: string;
  migrate(contents: Uint8Array): Uint8Array;
}

export const formatMigrations: readonly FormatMigration[] = [
  {
    name: 'envelope: digest of the directory',
    from: 1,
    to: 2,
    migrate(state, digest) {
      const out = new Uint8Array(state.length - headerBytesOfVersion1 + headerBytes);
      out.set(state.subarray(0, headerBytesOfVersion1));
      out.set(state.subarray(headerBytesOfVersion1), headerBytes);
      const view = new DataView(out.buffer);
      view.setUint32(8, 2, true);
      view.setBigUint64(16, directoryDigest(out, headerBytes, digest), true);
      return out;
    },
  },
];

export const sectionMigrations: readonly SectionMigration[] = [
  {
    name: 'emulator: which build of v86.wasm',
    section: 'emulator',
    from: 1,
    to: 2,
    migrate(contents) {
      // Version 1 has no digest, so it stays absent.
      const check = record<{ v86Version: string }>({ v86Version: text(255, /^.+$/) });
      const { v86Version } = decodeJson('emulator', contents, check);
      return new TextEncoder().encode(JSON.stringify({ v86Version }));
    },
  },
  {
    name: 'v86.devices: buffers as long as what is in them',
    section: 'v86.devices',
    from: 1,
    to: 2,
    // Version 1 had longer ones, which version 2 allows; only readers of version 1 need them.
    migrate: (contents) => contents,
  },
];

/** Called for each step that ran. */
export type OnMigration = (name: string) => void;

/** [MG1] @throws {HoldfastError} `bad-vmstate` for a version without a migration. */
export function migrateFormat(
  state: Uint8Array,
  from: number,
  digest: Digest,
  onMigration?: OnMigration,
): Uint8Array {
  const step = formatMigrations.find((candidate) => candidate.from === from);
  if (!step)
    throw bad(
      `This vmstate has format version ${from}; this build reads 1 to ${formatMigrations.length + 1}. Use the build that saved it.`,
    );
  onMigration?.(step.name);
  return step.migrate(state, digest);
}

/** [MG2] Sections without a matching step stay unchanged: their reader checks their version. */
export function migrateSection(section: Section, onMigration?: OnMigration): Section {
  let { version, bytes } = section;
  for (const step of sectionMigrations) {
    if (step.section !== section.name || step.from !== version) continue;
    onMigration?.(step.name);
    bytes = step.migrate(bytes);
    version = step.to;
  }
  return version === section.version ? section : { ...section, version, bytes };
}
