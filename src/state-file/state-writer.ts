/** Writes a state file of format 2 from the items of an exported guest, in small groups. */

import { HoldfastError } from '../errors.ts';
import { pageBytes } from '../protocol/page-bytes.ts';
import type {
  BlobItem,
  DeviceStateItem,
  ImportPages,
  NoBlobItem,
  PagesItem,
} from '../protocol/state-transfer.ts';
import { encodeDeviceCut } from '../vmstate/device-cut.ts';
import { type BaseImage, blobName } from './base-image.ts';
import { compressionLevel } from './compression-level.ts';
import type { Compress } from './compression-workers.ts';
import { encodeBlobs } from './format/blob-group.ts';
import type { Codec } from './format/codec.ts';
import { encodePreamble, type FrameKind, frameKind } from './format/frame.ts';
import { encodeHead, pageCountOf, type StateHead } from './format/head.ts';
import { encodePageGroup, listsOnly } from './format/page-group.ts';
import { PageSources } from './format/page-sources.ts';
import { packPages, packPagesOnBase } from './format/state-limits.ts';
import { FrameQueue } from './frame-queue.ts';
import { HotPages } from './hot-pages.ts';
import { chooseReferences, type PageReference } from './page-references.ts';
import { WaitingPages } from './waiting-pages.ts';

interface StateWriterOptions {
  codec: Codec;
  head: StateHead;
  /** With a base, only the differences from it are written. */
  base?: BaseImage | undefined;
  /** Pages that the guest used shortly before it was exported, see {@link HotPages}. */
  hot?: Iterable<number> | undefined;
  compress: Compress;
  /** Number of frames to compress at a time. */
  parallel: number;
  /** Resolves when there is room for more. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

const blobGroupBytes = 2 << 20;
/** Limit of pages that are compared with the base's; a file with more fits into no link anyway. */
const mostCompared = 8192;

type PagesKind = typeof frameKind.pages | typeof frameKind.hotPages;

export class StateWriter {
  readonly #options: StateWriterOptions;
  readonly #frames: FrameQueue;
  /** Pages of this file so far. */
  readonly #written: Uint8Array;
  /** Digest of each page with contents in this file; 0 for the others. */
  readonly #digests: BigUint64Array;
  /** A page with these contents, unless it was written again later. */
  readonly #known = new Map<bigint, number>();
  readonly #seenBlobs = new Set<string>();
  /** On a base: pages in earlier groups of this file. */
  readonly #settled = new Set<number>();
  readonly #group: WaitingPages;
  readonly #sources: PageSources;
  /** A file on a base is read as a whole. */
  readonly #hot: HotPages | undefined;
  #blobs: (BlobItem | NoBlobItem)[] = [];
  #blobBytes = 0;
  /** Size before compression. */
  #rawBytes = 0;

  constructor(options: StateWriterOptions) {
    this.#options = options;
    this.#frames = new FrameQueue(options);
    const pages = pageCountOf(options.head);
    this.#written = new Uint8Array(pages);
    this.#digests = new BigUint64Array(pages);
    this.#group = new WaitingPages(options.base ? packPagesOnBase : packPages);
    this.#sources = new PageSources(pages, options.base !== undefined);
    if (!options.base) this.#hot = new HotPages(options.hot);
    if (options.base && options.base.pageCount !== pages)
      throw new HoldfastError('wrong-base', 'The base is a machine with another amount of memory.');
  }

  get writtenBytes(): number {
    return this.#frames.writtenBytes;
  }

  async begin(): Promise<void> {
    const { codec, head } = this.#options;
    const bytes = encodeHead(head, codec.digest);
    await this.#frames.begin(encodePreamble(bytes, codec.digest), bytes);
  }

  /** Writes a part of contents that exist only in this browser. */
  contents(part: BlobItem): Promise<void> {
    return this.#frame(frameKind.contents, encodeBlobs([part]));
  }

  async pages({ numbers, contents, uniform }: PagesItem): Promise<void> {
    for (const [i, page] of numbers.entries())
      await this.#page(page, contents.subarray(i * pageBytes, (i + 1) * pageBytes));
    for (let i = 0; i < uniform.length; i += 2)
      await this.#uniform(uniform[i] ?? 0, uniform[i + 1] ?? 0);
  }

  /** Writes a part of a blob; its parts follow each other. */
  async blob(part: BlobItem): Promise<void> {
    if (await this.#isInBase(part)) return;
    this.#blobs.push(part);
    this.#blobBytes += part.bytes.length;
    if (this.#blobBytes >= blobGroupBytes) await this.#flushBlobs();
  }

  /** @returns `xxh64:…` over the file */
  async end(cut: DeviceStateItem): Promise<bigint> {
    await this.#zeroRest();
    await this.#flushPages();
    for (const name of this.#options.base?.blobs.keys() ?? []) {
      if (this.#seenBlobs.has(name)) continue;
      const space = name.indexOf(' ');
      const [index, stream] = [Number(name.slice(0, space)), name.slice(space + 1)];
      this.#blobs.push({ kind: 'no-blob', stream, index });
    }
    await this.#flushBlobs();
    await this.#hotPages();
    await this.#frame(frameKind.cut, encodeDeviceCut(cut, this.#options.codec.digest));
    return this.#frames.end(this.#sources);
  }

  async #page(page: number, contents: Uint8Array): Promise<void> {
    const { base, codec } = this.#options;
    const isFirst = this.#written[page] === 0;
    this.#written[page] = 1;
    if (this.#hot?.take(page, contents, { isAgain: !isFirst })) {
      this.#digests[page] = 0n;
      return;
    }
    const digest = codec.digest(contents);
    const isAsInBase = isFirst && base?.digestOf(page) === digest && !base.isZero(page);
    this.#digests[page] = isAsInBase ? 0n : digest;
    if (isAsInBase) return;
    if (this.#group.mentions(page)) await this.#flushPages();
    const like = this.#known.get(digest);
    if (like !== undefined && like !== page && this.#digests[like] === digest) {
      this.#group.addCopy(page, like);
    } else {
      this.#known.set(digest, page);
      this.#group.add(page, contents, isFirst);
    }
    if (this.#group.isFull) await this.#flushPages();
  }

  async #uniform(page: number, word: number): Promise<void> {
    const isFirst = this.#written[page] === 0;
    this.#written[page] = 1;
    this.#digests[page] = 0n;
    this.#hot?.drop(page);
    const { base } = this.#options;
    const before = isFirst ? (base ? base.uniformWord(page) : 0) : undefined;
    if (before === word) return;
    if (this.#group.mentions(page)) await this.#flushPages();
    this.#group.addUniform(page, word);
    if (this.#group.isFull) await this.#flushPages();
  }

  /** Zeroes pages that were never sent; in the base they may have contents. */
  async #zeroRest(): Promise<void> {
    const { base } = this.#options;
    if (!base) return;
    for (const [page, written] of this.#written.entries())
      if (!written && !base.isZero(page)) await this.#uniform(page, 0);
  }

  /** Writes the withheld pages. None is a copy of one elsewhere in the file. */
  async #hotPages(): Promise<void> {
    const { codec } = this.#options;
    const known = new Map<bigint, number>();
    for (const { page, contents } of this.#hot?.all() ?? []) {
      const digest = codec.digest(contents);
      const like = known.get(digest);
      if (like === undefined) this.#group.add(page, contents, false);
      else this.#group.addCopy(page, like);
      known.set(digest, like ?? page);
    }
    await this.#flushPages(frameKind.hotPages);
  }

  async #flushPages(kind: PagesKind = frameKind.pages): Promise<void> {
    const group = this.#group;
    if (group.isEmpty) return;
    const { base, codec } = this.#options;
    let references = new Map<number, PageReference>();
    if (base && this.#settled.size < mostCompared) {
      const isUnchanged = (page: number) => !this.#settled.has(page);
      references = await chooseReferences({ codec, base, pages: group.fresh, isUnchanged });
      const copies = [...references].flatMap(([page, { from }]) =>
        from === undefined ? [] : [page, from],
      );
      if (copies.length > 0) await this.#pagesFrame(kind, listsOnly({ copies }));
      for (const page of group.mentioned) this.#settled.add(page);
    }
    const { sizeBytes } = group;
    for (const part of group.encode(references)) await this.#pagesFrame(kind, part, sizeBytes);
    group.clear();
  }

  /** @param allBytes size of this group and those that are written with it */
  #pagesFrame(kind: PagesKind, group: ImportPages, allBytes = 0): Promise<void> {
    this.#sources.apply(this.#frames.count, group);
    return this.#frame(kind, encodePageGroup(group), allBytes);
  }

  async #flushBlobs(): Promise<void> {
    if (this.#blobs.length === 0) return;
    const blobs = this.#blobs;
    this.#blobs = [];
    this.#blobBytes = 0;
    await this.#frame(frameKind.blobs, encodeBlobs(blobs));
  }

  /**
   * Returns true if the base has the same blob. Only for blobs in one part: longer ones are written
   * again.
   */
  async #isInBase(part: BlobItem): Promise<boolean> {
    const { base, codec } = this.#options;
    const name = blobName(part);
    this.#seenBlobs.add(name);
    if (!base || part.bytes.length !== part.totalBytes) return false;
    return base.blobs.get(name) === `${part.totalBytes} ${codec.digest(part.bytes)}`;
  }

  async #frame(kind: FrameKind, raw: Uint8Array<ArrayBuffer>, allBytes = 0): Promise<void> {
    const { base } = this.#options;
    const level = compressionLevel(Math.max(raw.length, allBytes), {
      machineBytes: this.#written.length * pageBytes,
      writtenBytes: this.#rawBytes,
      hasBase: base !== undefined,
      isHot: kind === frameKind.hotPages,
    });
    this.#rawBytes += raw.length;
    await this.#frames.add(kind, raw, level);
  }
}
