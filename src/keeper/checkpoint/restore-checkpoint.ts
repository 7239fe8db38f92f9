/** Restores a stored guest to memory. */

import { HoldfastError } from '../../errors.ts';
import type { RamBlock } from '../../protocol/abi.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { Generation, MachineStore } from '../../store/types.ts';
import { BlobRestore, piecePrefix } from './blob-batch.ts';
import { blockNamed, indexBlock, placeRanges, type RestoreTarget } from './checkpoint-source.ts';
import type { GuestPages } from './guest-pages.ts';
import { partCount, pieceOf } from './large-pieces.ts';
import { decodeManifest, type Manifest, type StoredAbsent } from './manifest.ts';
import { PageScanner } from './page-scan.ts';
import { decodeRecord, type LogRecord, pagesOf } from './record.ts';
import { type BlobKey, Segments } from './segments.ts';

interface FreshRestoreTarget extends RestoreTarget {
  /** True for memory that was never written: its zeros need not be restored. */
  readonly fresh?: boolean;
}

/** A restored checkpoint, for the {@link Checkpointer} that continues from it. */
export interface RestoredCheckpoint {
  /** Device state, for the runtime to load. */
  readonly vmstate: Uint8Array;
  readonly keeperState: Uint8Array;
  readonly generation: number;
  readonly takenAtMs: number;
  /** The guest's memory: the runtime that takes it over must use the same places. */
  readonly guestMemory: readonly RamBlock[];
  /** Why the newest generation was unusable, if an older one was restored. */
  readonly fellBack?: string;
  /** Pages that are in no record. */
  readonly absent?: StoredAbsent;
  readonly segments: Segments;
  readonly state: Pick<Manifest, 'consoles' | 'pieces' | 'parts'>;
}

export type CheckpointLog = Pick<MachineStore, 'readableGenerations' | 'readRecords'>;

/**
 * Restores the newest intact generation. On failure the contents of memory, consoles and pieces are
 * undefined.
 * @throws HoldfastError `not-found` if nothing was ever published; `wrong-machine` if the RAM
 * blocks differ; `storage-damaged` if no generation is intact; and errors of the store.
 */
export async function restoreCheckpoint(
  store: CheckpointLog,
  into: FreshRestoreTarget,
): Promise<RestoredCheckpoint> {
  const { generations, damage } = await store.readableGenerations();
  const reasons = damage === undefined ? [] : [damage];
  if (generations.length === 0 && damage === undefined)
    throw new HoldfastError('not-found', 'Nothing of this machine was ever stored.');
  for (const generation of generations) {
    try {
      const dirty = reasons.length > 0 || !into.fresh;
      const checkpoint = await restoreGeneration(store, generation, into, dirty);
      const [fellBack] = reasons;
      return fellBack === undefined ? checkpoint : { ...checkpoint, fellBack };
    } catch (thrown) {
      if (!(thrown instanceof HoldfastError) || thrown.code !== 'storage-damaged') throw thrown;
      reasons.push(thrown.message);
    }
  }
  throw new HoldfastError(
    'storage-damaged',
    `No stored state of this machine is whole: ${reasons.join(' ')} Start it fresh.`,
  );
}

async function restoreGeneration(
  store: CheckpointLog,
  generation: Generation,
  into: FreshRestoreTarget,
  dirty: boolean,
): Promise<RestoredCheckpoint> {
  const { records, number, takenAtMs } = generation;
  const manifest = decodeManifest(generation.manifest, records, into.digest);
  const pages = placeRanges(manifest.ranges, into.blocks);
  const scanner = new PageScanner(into.memory, blockNamed(into.blocks, indexBlock), pages);
  scanner.forgetAll();
  const memory = new RestoredMemory(into.memory, pages, scanner);
  const blobs = new BlobRestore();
  const found: { id: number; sizeBytes: number; pages: Uint32Array; blobs: BlobKey[] }[] = [];
  // The newest first, so that only the newest copy of each page is put into memory.
  for await (const { id, bytes } of store.readRecords([...records].reverse())) {
    const record = decodeRecord(bytes, into.digest);
    memory.put(record);
    for (const blob of record.blobs) blobs.add(blob);
    const keys = record.blobs.map(({ stream, index }) => ({ stream, index }));
    found.push({ id, sizeBytes: bytes.length, pages: pagesOf(record), blobs: keys });
  }
  if (found.length !== records.length)
    throw new HoldfastError('storage-damaged', 'A record of the stored guest is missing.');
  if (dirty) memory.clearRest();
  blobs.restore(into, manifest);

  const segments = new Segments(pages.count);
  for (const { id, sizeBytes, pages, blobs } of found.reverse())
    segments.append(id, sizeBytes, pages, blobs);
  const { vmstate, keeperState, consoles, pieces, parts = {}, absent } = manifest;
  for (const stream of segments.streams()) {
    const piece = pieceOf(stream);
    if (!piece) continue;
    const length = parts[stream.slice(piecePrefix.length)] ?? 0;
    segments.keepBlobs(stream, 0, partCount(length));
  }
  segments.forgetDead();
  return {
    vmstate,
    keeperState,
    generation: number,
    takenAtMs,
    guestMemory: pages.ranges.map(({ name, address, count }) => ({
      name,
      address,
      sizeBytes: count * pageBytes,
    })),
    ...(absent && { absent }),
    segments,
    state: { consoles, pieces, parts },
  };
}

/** Guest memory during the restore, the newest copy of each page first. */
class RestoredMemory {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #pages: GuestPages;
  readonly #scanner: PageScanner;
  readonly #there: Uint8Array;

  constructor(memory: WebAssembly.Memory, pages: GuestPages, scanner: PageScanner) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#pages = pages;
    this.#scanner = scanner;
    this.#there = new Uint8Array(pages.count);
  }

  put({ pages, repeats, uniform }: LogRecord): void {
    for (const { page, contents } of pages) this.#put(page, contents);
    for (const { page, like } of repeats) {
      const same = pages[like];
      if (same) this.#put(page, same.contents);
    }
    for (const { page, word } of uniform) {
      if (!this.#claim(page)) continue;
      const address = this.#pages.addressOf(page);
      this.#words.fill(word, address / 4, (address + pageBytes) / 4);
      this.#scanner.remember(page, address);
    }
  }

  /** Zeroes every page that is in no record. */
  clearRest(): void {
    for (const [page, there] of this.#there.entries()) {
      if (there) continue;
      const address = this.#pages.addressOf(page);
      this.#bytes.fill(0, address, address + pageBytes);
    }
  }

  #put(page: number, contents: Uint8Array): void {
    if (!this.#claim(page)) return;
    const address = this.#pages.addressOf(page);
    this.#bytes.set(contents, address);
    this.#scanner.remember(page, address);
  }

  /** Returns true if this is the first copy of the page, so the newest. */
  #claim(page: number): boolean {
    if (this.#there[page] !== 0) return false;
    this.#there[page] = 1;
    return true;
  }
}
