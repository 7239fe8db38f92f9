/** Contents of a stored machine, read from storage without starting it. */

import { HoldfastError } from '../../errors.ts';
import type { MachineStore, SalvagedMachine, Store } from '../../store/types.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { decodeManifest, type Manifest } from '../checkpoint/manifest.ts';
import { decodeRecord, type LogRecord } from '../checkpoint/record.ts';

/** Contents of a page, or the word that fills it. */
type PageContents = Uint8Array | number;

/** Selects the streams of blobs to read. */
interface Wanted {
  pages: boolean;
  stream(name: string): boolean;
}

export class StoredContents {
  takenAtMs: number | undefined;
  /** Absent if unreadable: then the addresses of pages are unknown. */
  manifest: Manifest | undefined;
  readonly pages = new Map<number, PageContents>();
  /** Blobs by stream and index. */
  readonly #streams = new Map<string, Map<number, Uint8Array | undefined>>();
  /** Parts that could not be read, a sentence each. */
  readonly damage: string[] = [];
  readonly #wanted: Wanted;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  /**
   * Adds a record. Call it with the newest record first: the first copy of each page and blob
   * counts.
   */
  add({ pages, repeats, uniform, blobs }: LogRecord): void {
    if (this.#wanted.pages) {
      for (const { page, contents } of pages) this.#claim(page, contents);
      for (const { page, like } of repeats) this.#claim(page, pages[like]?.contents);
      for (const { page, word } of uniform) this.#claim(page, word);
    }
    for (const { stream, index, bytes } of blobs) {
      if (!this.#wanted.stream(stream)) continue;
      const found = this.#streams.get(stream) ?? new Map<number, Uint8Array | undefined>();
      this.#streams.set(stream, found);
      if (!found.has(index)) found.set(index, bytes);
    }
  }

  streams(): string[] {
    return [...this.#streams.keys()];
  }

  /** Returns the present blobs of a stream, by index. */
  blobs(stream: string): Map<number, Uint8Array> {
    const found = new Map<number, Uint8Array>();
    for (const [index, bytes] of this.#streams.get(stream) ?? [])
      if (bytes) found.set(index, bytes);
    return found;
  }

  #claim(page: number, contents: PageContents | undefined): void {
    if (contents !== undefined && !this.pages.has(page)) this.pages.set(page, contents);
  }
}

/**
 * A running machine publishes during the read and drops the checkpoint that is read: the next one
 * is tried.
 */
const mostTries = 5;

/**
 * Reads the newest intact checkpoint.
 * @throws HoldfastError `not-found`, or `storage-damaged` if there is none
 */
export async function readWhole(
  store: Store,
  id: string,
  wanted: Wanted,
  digest: Digest,
): Promise<StoredContents> {
  const machine = await store.peek(id);
  let seen: number | undefined;
  for (let tries = 1; ; tries++) {
    const { generations } = await machine.readableGenerations();
    const damage: unknown[] = [];
    for (const generation of generations) {
      try {
        return await readGeneration(machine, generation, wanted, digest);
      } catch (thrown) {
        if (!isDamage(thrown)) throw thrown;
        damage.push(thrown);
      }
    }
    const newest = generations[0]?.number;
    if (newest === seen || tries === mostTries) {
      const message =
        'No stored state of this machine is whole: only what is left of it can be exported.';
      throw new HoldfastError('storage-damaged', message, { cause: damage[0] });
    }
    seen = newest;
  }
}

async function readGeneration(
  store: Pick<MachineStore, 'readRecords'>,
  {
    manifest,
    records,
    takenAtMs,
  }: { manifest: Uint8Array; records: readonly number[]; takenAtMs: number },
  wanted: Wanted,
  digest: Digest,
): Promise<StoredContents> {
  const contents = new StoredContents(wanted);
  contents.takenAtMs = takenAtMs;
  contents.manifest = decodeManifest(manifest, records, digest);
  for await (const { bytes } of store.readRecords([...records].reverse()))
    contents.add(decodeRecord(bytes, digest));
  return contents;
}

/**
 * Reads everything readable, of any checkpoint. If the newest copy of something is lost, an older
 * one replaces it.
 * @throws HoldfastError `not-found`
 */
export async function readWhatIsLeft(
  store: Store,
  id: string,
  digest: Digest,
): Promise<StoredContents> {
  const salvaged = await store.salvage(id);
  const contents = new StoredContents({ pages: true, stream: () => true });
  readManifest(salvaged, contents, digest);
  // A record of both generations counts as the newer one's. Records of only the older one follow.
  const records = new Set(salvaged.generations.flatMap(({ records }) => [...records].reverse()));
  let lost = 0;
  for (const record of records) {
    const bytes = await salvaged.readRecord(record);
    try {
      if (bytes) contents.add(decodeRecord(bytes, digest));
      else lost++;
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      lost++;
    }
  }
  if (lost > 0)
    contents.damage.push(
      `${lost} of ${records.size} records cannot be read: the memory and disks in them are as they were at an earlier time, or zero.`,
    );
  return contents;
}

function readManifest(
  { generations }: SalvagedMachine,
  contents: StoredContents,
  digest: Digest,
): void {
  for (const { number, manifest, records, takenAtMs } of generations) {
    contents.takenAtMs ??= takenAtMs;
    try {
      if (!manifest) throw new HoldfastError('storage-damaged', 'It is missing.');
      contents.manifest ??= decodeManifest(manifest, records, digest);
    } catch (thrown) {
      if (!(thrown instanceof HoldfastError)) throw thrown;
      contents.damage.push(
        `The manifest of checkpoint ${number} cannot be used: ${thrown.message}`,
      );
    }
  }
  if (!contents.manifest)
    contents.damage.push(
      'The state of the devices is lost. It also says which memory is RAM and which is screen memory.',
    );
}

const isDamage = (thrown: unknown): boolean =>
  thrown instanceof HoldfastError && thrown.code === 'storage-damaged';
