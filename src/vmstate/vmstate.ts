/** A vmstate as sections and as bytes: what the rest of Holdfast uses of the format. See docs/spec/vmstate.md. */
import {
  claimedVersion,
  type Digest,
  decodeEnvelope,
  encodeEnvelope,
  formatVersion,
  type Section,
} from './envelope.ts';
import { migrateFormat, migrateSection, type OnMigration } from './migrations.ts';

export { type Digest, formatVersion, isVmstate, limits, type Section } from './envelope.ts';

/**
 * @returns a vmstate of the newest format version, the same bytes for the same sections.
 * @throws {HoldfastError} `internal` for sections that no vmstate can hold.
 */
export function encodeVmstate(
  sections: readonly Section[],
  digest: Digest,
): Uint8Array<ArrayBuffer> {
  return encodeEnvelope(sections, digest);
}

/**
 * Checks the whole envelope, then migrates earlier versions.
 * @returns the sections in file order. Their bytes are views into `state`, except migrated ones.
 * @throws {HoldfastError} `bad-vmstate`: not a vmstate, damaged, or from a newer format.
 */
export function decodeVmstate(
  state: Uint8Array,
  digest: Digest,
  onMigration?: OnMigration,
): Section[] {
  let newest = state;
  for (
    let version = claimedVersion(newest);
    version !== formatVersion;
    version = claimedVersion(newest)
  )
    newest = migrateFormat(newest, version, digest, onMigration);
  return decodeEnvelope(newest, digest).map((section) => migrateSection(section, onMigration));
}
