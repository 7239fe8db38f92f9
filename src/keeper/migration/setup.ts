/** The first message of a migration: whose guest comes, and how much of it. */
import {
  jsonSection,
  type MigrationSection,
  readSection,
  type StateSection,
  unknownSections,
} from '../../vmstate/sections.ts';
import { type Digest, decodeVmstate, encodeVmstate } from '../../vmstate/vmstate.ts';
import type { StoredRange } from '../checkpoint/manifest.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import { portableConfig } from './portable-config.ts';
import { refused } from './refused.ts';

/** [MS1] Version of the stream. Another one is refused, with both named. */
const streamVersion = 1;
const magic = 0x4d474f48;

export interface Setup {
  migration: MigrationSection;
  state: StateSection;
}

/** Largest number of pages: 2 GiB of RAM and 256 MiB of VGA memory, and what surrounds them. */
const mostPages = (2304 + 1) * 256;

export function encodeSetup(
  { id, backing, execution }: GuestParts,
  ranges: StoredRange[],
  migration: MigrationSection,
  digest: Digest,
  siteUrl?: string,
): Uint8Array {
  const { config } = backing;
  const state: StateSection = {
    title: config.name.slice(0, 200),
    createdAtMs: Date.now(),
    machineId: id,
    config: portableConfig(config, siteUrl),
    v86Version: execution.source.v86Version,
    ranges,
  };
  const sections = [jsonSection('migration', migration), jsonSection('state', state)];
  const envelope = encodeVmstate(sections, digest);
  const out = new Uint8Array(8 + envelope.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, streamVersion, true);
  out.set(envelope, 8);
  return out;
}

/** @throws HoldfastError `migration-refused` for a stream of another version, `bad-vmstate` */
export function decodeSetup(body: Uint8Array, digest: Digest): Setup {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body.length < 8 || view.getUint32(0, true) !== magic)
    throw refused('What arrived is no migration.');
  const version = view.getUint32(4, true);
  if (version !== streamVersion)
    throw refused(
      `The source sends version ${version} of a migration, this build takes version ${streamVersion}. Update the older one.`,
    );
  const sections = decodeVmstate(body.subarray(8), digest);
  unknownSections(sections);
  const migration = readSection(sections, 'migration');
  const state = readSection(sections, 'state');
  if (!migration || !state) throw refused('The source does not say whose guest it sends.');
  if (state.base) throw refused('The source sends the difference to another state.');
  const pages = state.ranges.reduce((sum, range) => sum + range.pages, 0);
  if (pages > mostPages) throw refused(`The source claims a guest of ${pages} pages.`);
  return { migration, state };
}

/** Answer of a destination that has room for the guest. */
export interface Accepted {
  /** The Web Lock of the destination's worker. */
  keeperLock?: string;
  /** Both workers are of one browser, and share storage and machine locks. */
  sharesBrowser: boolean;
  /** [MH11] On another host: it relays connections of the guest to the source. */
  relays?: boolean;
}

export const encodeAccepted = (accepted: Accepted): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(accepted));

/** A peer that says nonsense is taken for one of another browser. */
export function decodeAccepted(body: Uint8Array): Accepted {
  try {
    const { keeperLock, sharesBrowser, relays } = JSON.parse(
      new TextDecoder().decode(body.subarray(0, 4096)),
    );
    return {
      sharesBrowser: sharesBrowser === true,
      ...(typeof keeperLock === 'string' && { keeperLock }),
      ...(relays === true && { relays }),
    };
  } catch {
    return { sharesBrowser: false };
  }
}
