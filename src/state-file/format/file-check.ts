/** Checks that a state file is whole, as it is read: nothing was removed, added or reordered. */
import type { ImportPages } from '../../protocol/state-transfer.ts';
import { badState } from './bad-state.ts';
import type { Codec } from './codec.ts';
import { decodeEnd, fileDigest } from './end-frame.ts';
import { type FrameHeader, frameHeaderBytes, frameKind, type StateFormat } from './frame.ts';
import { FrameHeaders } from './frame-headers.ts';
import { FrameOrder } from './frame-order.ts';
import { PageSources } from './page-sources.ts';
import { encodeIndex } from './state-index.ts';

export interface FileCheck {
  /**
   * Takes a frame before the last one. Its own digest is checked already.
   * @throws HoldfastError `bad-state-file`
   */
  frame(header: FrameHeader, stored: Uint8Array, raw: Uint8Array): void;
  /** Takes the group of the frame that was taken last. @throws HoldfastError `bad-state-file` */
  pages(group: ImportPages): void;
  /** Takes the contents of the last frame. @returns the digest of the file */
  end(header: FrameHeader, contents: Uint8Array<ArrayBuffer>): bigint;
}

interface Beginning {
  preamble: Uint8Array;
  head: Uint8Array;
  pageCount: number;
  hasBase: boolean;
}

export const newFileCheck = (format: StateFormat, beginning: Beginning, codec: Codec): FileCheck =>
  format === 1 ? new WholeDigest(beginning, codec) : new IndexCheck(beginning, codec);

/** Format 1: the digest covers all bytes. */
class WholeDigest implements FileCheck {
  readonly #running: ReturnType<Codec['newDigest']>;

  constructor({ preamble, head }: Beginning, codec: Codec) {
    this.#running = codec.newDigest();
    this.#running.update(preamble);
    this.#running.update(head);
  }

  frame(header: FrameHeader, stored: Uint8Array): void {
    this.#running.update(header.bytes);
    this.#running.update(stored);
  }

  pages(): void {}

  end(_header: FrameHeader, contents: Uint8Array<ArrayBuffer>): bigint {
    const digest = this.#running.digest();
    if (contents.length !== 8 || new DataView(contents.buffer).getBigUint64(0, true) !== digest)
      throw badState('This state file is damaged.');
    return digest;
  }
}

/** Format 2: the index is what its reader would have written. It names every frame. */
class IndexCheck implements FileCheck {
  readonly #codec: Codec;
  readonly #preamble: Uint8Array;
  readonly #order = new FrameOrder();
  readonly #sources: PageSources;
  readonly #headers = new FrameHeaders();
  #at: number;
  #tailAt: number | undefined;
  #index: { header: FrameHeader; at: number } | undefined;

  constructor({ preamble, head, pageCount, hasBase }: Beginning, codec: Codec) {
    this.#codec = codec;
    this.#preamble = preamble;
    this.#sources = new PageSources(pageCount, hasBase);
    this.#at = preamble.length + head.length;
  }

  frame(header: FrameHeader, _stored: Uint8Array, raw: Uint8Array): void {
    const { kind } = header;
    this.#order.next(kind);
    if (kind === frameKind.hotPages || kind === frameKind.cut) this.#tailAt ??= this.#at;
    if (kind === frameKind.index) {
      this.#index = { header, at: this.#at };
      if (!isEqual(raw, encodeIndex(this.#headers, this.#sources)))
        throw badState('The index of this state file differs from what is in it.');
    } else this.#headers.add(header.bytes);
    this.#at += frameHeaderBytes + header.storedBytes;
  }

  pages(group: ImportPages): void {
    this.#sources.apply(this.#headers.count - 1, group);
  }

  end({ kind }: FrameHeader, contents: Uint8Array<ArrayBuffer>): bigint {
    this.#order.next(kind);
    const { digest, tailAt, indexAt } = decodeEnd(contents, this.#at);
    const index = this.#index;
    const isWhole =
      index &&
      index.at === indexAt &&
      this.#tailAt === tailAt &&
      digest === fileDigest(this.#preamble, index.header.bytes, this.#codec.digest);
    if (!isWhole) throw badState('This state file is damaged.');
    return digest;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
