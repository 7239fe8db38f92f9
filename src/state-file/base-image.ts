/**
 * The pages and blobs of a base state: digests of all, contents on request. It stays compressed in
 * a Blob, which browsers store outside of memory.
 */

import { HoldfastError } from '../errors.ts';
import type { StateReference } from '../protocol/config.ts';
import { pageBytes } from '../protocol/page-bytes.ts';
import type { Codec } from './format/codec.ts';
import { decodePageGroup, encodePageGroup } from './format/page-group.ts';
import { SimilarPages } from './similar-pages.ts';
import type { StateReader } from './state-reader.ts';

const none = 0xffffffff;
/** Size of the groups that stay decompressed. */
const keptBytes = 16 << 20;

/** Pages that are compressed together. */
interface Group {
  compressed: Blob;
  rawBytes: number;
  pages: Uint32Array;
}

export class BaseImage {
  readonly reference: StateReference;
  readonly #codec: Codec;
  readonly #pageCount: number;
  readonly #digests: BigUint64Array;
  readonly #groupOf: Uint32Array;
  readonly #slotOf: Uint32Array;
  readonly #uniform: Map<number, number>;
  readonly #groups: Group[];
  readonly #blobs: ReadonlyMap<string, string>;
  readonly #recent = new Map<number, Uint8Array>();
  #recentBytes = 0;
  #similar: SimilarPages | undefined;

  private constructor(reference: StateReference, codec: Codec, found: Found) {
    this.reference = reference;
    this.#codec = codec;
    this.#pageCount = found.groupOf.length;
    this.#digests = found.digests;
    this.#groupOf = found.groupOf;
    this.#slotOf = found.slotOf;
    this.#uniform = found.uniform;
    this.#groups = found.groups;
    this.#blobs = found.blobs;
  }

  /** @throws HoldfastError `wrong-base` if it does not match the reference */
  static async read(
    reader: StateReader,
    reference: StateReference,
    codec: Codec,
  ): Promise<BaseImage> {
    if (reader.head.state.base)
      throw new HoldfastError('wrong-base', 'The base builds on another one.');
    const found = new Found(reader.pageCount, codec);
    const parts = new Map<string, { digest: ReturnType<Codec['newDigest']> }>();
    for await (const item of reader.items()) {
      if (item.kind === 'pages') found.addPages(item);
      else if (item.kind === 'blob') {
        const name = blobName(item);
        const part = item.offsetBytes === 0 ? { digest: codec.newDigest() } : parts.get(name);
        part?.digest.update(item.bytes);
        if (part) parts.set(name, part);
        if (part && item.offsetBytes + item.bytes.length === item.totalBytes)
          found.blobs.set(name, `${item.totalBytes} ${part.digest.digest()}`);
      }
    }
    requireReference(reader, reference);
    return new BaseImage(reference, codec, found);
  }

  get pageCount(): number {
    return this.#pageCount;
  }

  /** Returns the digest of a page; 0 for a page of zeros. */
  digestOf(page: number): bigint {
    return this.#digests[page] ?? 0n;
  }

  isZero(page: number): boolean {
    return this.#groupOf[page] === none && (this.#uniform.get(page) ?? 0) === 0;
  }

  uniformWord(page: number): number | undefined {
    return this.#groupOf[page] === none ? (this.#uniform.get(page) ?? 0) : undefined;
  }

  /** {@link blobKey} of each blob, by {@link blobName}. */
  get blobs(): ReadonlyMap<string, string> {
    return this.#blobs;
  }

  /** Returns an index over the pages, built at the first request. */
  async similarPages(): Promise<SimilarPages> {
    if (this.#similar) return this.#similar;
    const similar = new SimilarPages();
    for (const [index, group] of this.#groups.entries()) {
      const contents = await this.#decompress(group, index);
      for (const page of group.pages) {
        if (this.#groupOf[page] !== index) continue;
        const at = (this.#slotOf[page] ?? 0) * pageBytes;
        similar.add(page, contents.subarray(at, at + pageBytes));
      }
    }
    this.#similar = similar;
    return similar;
  }

  /** Returns the contents of these pages, 4 KiB each, in their order. */
  async contents(pages: readonly number[]): Promise<Uint8Array> {
    const out = new Uint8Array(pages.length * pageBytes);
    const byGroup = new Map<number, [number, number][]>();
    for (const [i, page] of pages.entries()) {
      const index = this.#groupOf[page] ?? none;
      const wanted = byGroup.get(index) ?? [];
      wanted.push([i, page]);
      byGroup.set(index, wanted);
    }
    for (const [index, wanted] of byGroup) {
      const group = this.#groups[index];
      const contents = group && (await this.#decompress(group, index));
      for (const [i, page] of wanted) {
        const at = (this.#slotOf[page] ?? 0) * pageBytes;
        if (contents) out.set(contents.subarray(at, at + pageBytes), i * pageBytes);
        else
          new Uint32Array(out.buffer, i * pageBytes, pageBytes / 4).fill(
            this.#uniform.get(page) ?? 0,
          );
      }
    }
    return out;
  }

  /**
   * Decompresses a group. Keeps the last few, because neighbours are requested one after the other.
   */
  async #decompress({ compressed, rawBytes }: Group, index: number): Promise<Uint8Array> {
    const kept = this.#recent.get(index);
    if (kept) return kept;
    const bytes = new Uint8Array(await compressed.arrayBuffer());
    const raw = this.#codec.decompress(bytes, rawBytes);
    // The groups of a base in format 1 are larger.
    const { contents } = decodePageGroup(raw, this.#pageCount, 1);
    this.#recent.set(index, contents);
    this.#recentBytes += contents.length;
    for (const [oldest, { length }] of this.#recent) {
      if (this.#recentBytes <= keptBytes || oldest === index) break;
      this.#recent.delete(oldest);
      this.#recentBytes -= length;
    }
    return contents;
  }
}

export const blobName = ({ stream, index }: { stream: string; index: number }) =>
  `${index} ${stream}`;

/** @throws HoldfastError `wrong-base` */
export function requireReference(reader: StateReader, { url, digest }: StateReference): void {
  if (reader.digest === digest) return;
  throw new HoldfastError(
    'wrong-base',
    `The state builds on ${url} as it was (${digest}); what is there now is another one (${reader.digest}).`,
  );
}

/** Data that is collected while the base is read. */
class Found {
  readonly digests: BigUint64Array;
  readonly groupOf: Uint32Array;
  readonly slotOf: Uint32Array;
  readonly uniform = new Map<number, number>();
  readonly groups: Group[] = [];
  readonly blobs = new Map<string, string>();
  readonly #codec: Codec;

  constructor(pageCount: number, codec: Codec) {
    this.digests = new BigUint64Array(pageCount);
    this.groupOf = new Uint32Array(pageCount).fill(none);
    this.slotOf = new Uint32Array(pageCount);
    this.#codec = codec;
  }

  addPages(group: Parameters<typeof encodePageGroup>[0]): void {
    const { numbers, contents, uniform, xorNumbers, copies } = group;
    if (xorNumbers.length > 0)
      throw new HoldfastError('wrong-base', 'The base builds on another one.');
    const index = this.groups.length;
    for (const [slot, page] of numbers.entries()) {
      const bytes = contents.subarray(slot * pageBytes, (slot + 1) * pageBytes);
      this.groupOf[page] = index;
      this.slotOf[page] = slot;
      this.digests[page] = this.#codec.digest(bytes);
    }
    for (let i = 0; i < uniform.length; i += 2) {
      const page = uniform[i] ?? 0;
      this.groupOf[page] = none;
      this.uniform.set(page, uniform[i + 1] ?? 0);
    }
    for (let i = 0; i < copies.length; i += 2) {
      const [page = 0, from = 0] = [copies[i], copies[i + 1]];
      this.groupOf[page] = this.groupOf[from] ?? none;
      this.slotOf[page] = this.slotOf[from] ?? 0;
      this.digests[page] = this.digests[from] ?? 0n;
      this.uniform.set(page, this.uniform.get(from) ?? 0);
    }
    if (numbers.length === 0) return;
    const empty = new Uint32Array();
    const raw = encodePageGroup({ ...group, uniform: empty, copies: empty });
    const compressed = this.#codec.compress(raw, 1);
    const pages = numbers.slice();
    this.groups.push({ compressed: new Blob([compressed]), rawBytes: raw.length, pages });
  }
}
