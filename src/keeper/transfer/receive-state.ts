/**
 * Receives a guest from a state file into the memory of a machine without one. The input is not
 * trusted: every number in it is checked, and memory is allocated only for what arrives.
 */

import { HoldfastError } from '../../errors.ts';
import { blobsOf } from '../../protocol/blobs-item.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { freeBuffer } from '../../protocol/free-buffer.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { PortReceiver } from '../../protocol/port-stream.ts';
import type {
  AbsentItem,
  BlobItem,
  DeviceStateItem,
  ImportItem,
  ImportPages,
  ImportRequest,
  MemoryRange,
  NoBlobItem,
} from '../../protocol/state-transfer.ts';
import {
  BlobRestore,
  consoleChunkBytes,
  consolePrefix,
  piecePrefix,
} from '../checkpoint/blob-batch.ts';
import { placeRanges } from '../checkpoint/checkpoint-source.ts';
import type { GuestPages } from '../checkpoint/guest-pages.ts';
import { nextTask, Slices } from '../checkpoint/slices.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import type { MachineMemory } from '../lazy/machine-memory.ts';
import { limitOf, type StreamLimit } from './stream-limits.ts';

const bad = (what: string) =>
  new HoldfastError('bad-state-file', `${what} The file is damaged or was made to do harm.`);

/** Lets the guest of another machine in this keeper run in between. */
const sliceMs = 4;
/** Small blobs that are taken between two checks of the time, each of which creates a promise. */
const stepBlobs = 64;
/** Items in the queue: one, while the sender makes the next. An item has up to 6 MiB. */
const window = 2;

/** @throws HoldfastError of the sender, `bad-state-file`, or `wrong-machine` when the memory has no room */
export async function receiveState(
  machine: GuestParts,
  { ranges, canBeLazy = false }: Pick<ImportRequest, 'ranges' | 'canBeLazy'>,
  port: MessagePort,
): Promise<DeviceStateItem> {
  const { gone, memory } = machine;
  const known = canBeLazy && (await memory.prepare()) ? ['blobs', 'absent'] : ['blobs'];
  const receiver = new PortReceiver<ImportItem>(port, known, window);
  gone.addEventListener('abort', () => receiver.cancel(gone.reason), { once: true });
  return receiveItems(machine, ranges, receiver, memory);
}

/**
 * Puts a guest into the machine, item by item.
 * @throws HoldfastError of the iteration, and as {@link receiveState}
 */
export async function receiveItems(
  { backing, consoles }: Pick<GuestParts, 'backing' | 'consoles'>,
  ranges: readonly MemoryRange[],
  items: AsyncIterable<ImportItem>,
  rest?: Pick<MachineMemory, 'open' | 'begin'>,
): Promise<DeviceStateItem> {
  const pages = placeRanges(ranges, backing.blocks);
  const memory = new ImportedMemory(backing.memory, pages);
  let absent: AbsentItem | undefined;
  const blobs = new ImportedBlobs(backing.config);
  const slices = new Slices(nextTask, sliceMs);
  let cut: DeviceStateItem | undefined;
  for await (const item of items) {
    slices.start();
    switch (item.kind) {
      case 'pages':
        memory.put(item);
        for (const buffer of new Set([item.contents.buffer, item.xor.buffer])) freeBuffer(buffer);
        break;
      case 'blob':
        if (!blobs.take(item)) freeBuffer(item.bytes.buffer);
        break;
      case 'no-blob':
        blobs.take(item);
        break;
      case 'blobs': {
        let isKept = false;
        let taken = 0;
        for (const blob of blobsOf(item)) {
          isKept = blobs.take(blob) || isKept;
          if (++taken % stepBlobs === 0) await slices.step();
        }
        if (!isKept) freeBuffer(item.bytes.buffer);
        break;
      }
      case 'absent':
        absent = item;
        break;
      case 'cut':
        cut = item;
        break;
    }
    await slices.step();
  }
  if (!cut) throw bad('The state ends without device state.');
  blobs.restore({ pieces: backing.pieces, consoles }, cut);
  if (absent) {
    if (!rest) throw bad('The state leaves out pages that nothing reads.');
    const { reference } = absent;
    rest.begin({ reference, supply: await rest.open(reference) }, pages, memory.arrived);
  }
  return cut;
}

class ImportedMemory {
  /** One byte a page: 1 if its contents have arrived. */
  readonly arrived: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #pages: GuestPages;

  constructor(memory: WebAssembly.Memory, pages: GuestPages) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#pages = pages;
    this.arrived = new Uint8Array(pages.count);
  }

  put({ numbers, contents, uniform, xorNumbers, xor, copies }: ImportPages): void {
    for (const [i, page] of numbers.entries()) {
      const at = i * pageBytes;
      this.#bytes.set(contents.subarray(at, at + pageBytes), this.#address(page));
      this.arrived[page] = 1;
    }
    for (let i = 0; i < uniform.length; i += 2) {
      const at = this.#address(uniform[i]) / 4;
      this.#words.fill(uniform[i + 1] ?? 0, at, at + pageBytes / 4);
    }
    const difference = new Uint32Array(xor.buffer, xor.byteOffset, xor.byteLength / 4);
    for (const [i, page] of xorNumbers.entries()) {
      const from = (i * pageBytes) / 4;
      const at = this.#address(page) / 4;
      for (let word = 0; word < pageBytes / 4; word++)
        this.#words[at + word] = (this.#words[at + word] ?? 0) ^ (difference[from + word] ?? 0);
    }
    for (let i = 0; i < copies.length; i += 2) {
      const from = this.#address(copies[i + 1]);
      this.#bytes.copyWithin(this.#address(copies[i]), from, from + pageBytes);
    }
  }

  #address(page: number | undefined): number {
    if (page === undefined || page >= this.#pages.count)
      throw bad(`The state speaks of page ${page} of ${this.#pages.count}.`);
    return this.#pages.addressOf(page);
  }
}

/** The last version of each blob counts. Only blobs that such a machine can have are kept. */
class ImportedBlobs {
  readonly #config: MachineConfig;
  readonly #streams = new Map<string, ImportedStream>();
  #open: { stream: string; index: number; whole: Uint8Array; bytes: number } | undefined;

  constructor(config: MachineConfig) {
    this.#config = config;
  }

  /** @returns true if the item's bytes are kept without a copy */
  take(item: BlobItem | NoBlobItem): boolean {
    if (item.kind === 'blob') return this.#add(item);
    this.#of(item.stream).delete(item.index);
    return false;
  }

  #add({ stream, index, bytes, totalBytes, offsetBytes }: BlobItem): boolean {
    const open = this.#open;
    if (offsetBytes === 0) {
      this.#of(stream).require(index, totalBytes);
      if (bytes.length === totalBytes) {
        this.#of(stream).set(index, bytes);
        this.#open = undefined;
        return bytes.length > 0;
      }
      // The file's reader has already counted all of it. Joining the parts at the end would need
      // twice the memory.
      this.#open = { stream, index, whole: roomFor(stream, totalBytes), bytes: 0 };
    } else if (open?.stream !== stream || open.index !== index || open.bytes !== offsetBytes)
      throw bad(`A part of "${stream}" is missing.`);
    const part = this.#open;
    if (!part || part.bytes + bytes.length > part.whole.length)
      throw bad(`"${stream}" is longer than it says.`);
    part.whole.set(bytes, part.bytes);
    part.bytes += bytes.length;
    if (part.bytes === part.whole.length) {
      this.#of(stream).set(index, part.whole);
      this.#open = undefined;
    }
    return false;
  }

  restore(place: Parameters<BlobRestore['restore']>[0], cut: DeviceStateItem): void {
    if (this.#open) throw bad(`"${this.#open.stream}" is cut off.`);
    for (const name of Object.keys(cut.consoles)) limitOf(consolePrefix + name, this.#config);
    for (const name of Object.keys(cut.pieces)) limitOf(piecePrefix + name, this.#config);
    const restored = new BlobRestore();
    for (const [stream, { blobs }] of this.#streams) {
      // More lists of a hundred thousand blobs take some ten MiB.
      this.#streams.delete(stream);
      if (!stream.startsWith(consolePrefix)) {
        restored.adopt(stream, blobs);
        continue;
      }
      const end = cut.consoles[stream.slice(consolePrefix.length)] ?? 0;
      // Output beyond the console's end was undone by a snapshot.
      for (const [index, bytes] of blobs) {
        const there = end - index * consoleChunkBytes;
        if (there <= 0) continue;
        const kept = bytes.length > there ? bytes.subarray(0, there) : bytes;
        restored.add({ stream, index, bytes: kept }, { owned: true });
      }
    }
    restored.restore(place, cut);
  }

  #of(name: string): ImportedStream {
    let stream = this.#streams.get(name);
    if (!stream) {
      stream = new ImportedStream(name, limitOf(name, this.#config));
      this.#streams.set(name, stream);
    }
    return stream;
  }
}

/** @throws HoldfastError `out-of-memory` */
function roomFor(stream: string, bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    const message = `There is no room for "${stream}" of this state, ${bytes} bytes.`;
    throw new HoldfastError('out-of-memory', message, { cause });
  }
}

const nothing = new Uint8Array();

class ImportedStream {
  readonly blobs = new Map<number, Uint8Array>();
  readonly #name: string;
  readonly #limit: StreamLimit;
  #bytes = 0;

  constructor(name: string, limit: StreamLimit) {
    this.#name = name;
    this.#limit = limit;
  }

  /** Checks the limits before any of it is kept. */
  require(index: number, bytes: number): void {
    const { blobBytes, count, totalBytes } = this.#limit;
    const before = this.blobs.get(index)?.length ?? 0;
    if (index >= count || bytes > blobBytes || this.#bytes - before + bytes > totalBytes)
      throw bad(`"${this.#name}" is more than such a machine can have.`);
  }

  set(index: number, bytes: Uint8Array): void {
    this.delete(index);
    // An empty view of a frame would retain the whole frame.
    this.blobs.set(index, bytes.length > 0 ? bytes : nothing);
    this.#bytes += bytes.length;
  }

  delete(index: number): void {
    this.#bytes -= this.blobs.get(index)?.length ?? 0;
    this.blobs.delete(index);
  }
}
