/**
 * A guest that arrives from a state file, put into the memory of a machine without one. What comes is
 * not trusted: every number in it is checked, and nothing is kept that has not arrived.
 */

import { CprError } from '../../errors.ts';
import { joinBytes } from '../../protocol/join-bytes.ts';
import { PortReceiver } from '../../protocol/port-stream.ts';
import type {
  ArrivingItem,
  ArrivingPages,
  BlobItem,
  CutItem,
  MemoryRange,
} from '../../protocol/state-transfer.ts';
import { BlobRestore } from '../checkpoint/blob-batch.ts';
import { placeRanges } from '../checkpoint/cut.ts';
import { type GuestPages, pageBytes } from '../checkpoint/guest-pages.ts';
import { nextTask, Slices } from '../checkpoint/slices.ts';
import type { CprMachine } from '../cpr/cpr-machine.ts';

const bad = (what: string) =>
  new CprError('bad-state-file', `${what} The file is damaged or was made to do harm.`);

/** Keeps the guest of another machine in this keeper running meanwhile. */
const sliceMs = 4;

/** @throws CprError of the sender, `bad-state-file`, or `wrong-machine` when the memory has no room */
export async function receiveGuest(
  machine: CprMachine,
  ranges: readonly MemoryRange[],
  port: MessagePort,
): Promise<CutItem> {
  const { backing, consoles, gone } = machine;
  const receiver = new PortReceiver<ArrivingItem>(port);
  gone.addEventListener('abort', () => receiver.cancel(gone.reason), { once: true });
  const memory = new ArrivingMemory(backing.memory, placeRanges(ranges, backing.blocks));
  const blobs = new ArrivingBlobs();
  const slices = new Slices(nextTask, sliceMs);
  let cut: CutItem | undefined;
  for await (const item of receiver) {
    slices.start();
    switch (item.kind) {
      case 'pages':
        memory.put(item);
        break;
      case 'blob':
        blobs.add(item);
        break;
      case 'no-blob':
        blobs.remove(item.stream, item.index);
        break;
      case 'cut':
        cut = item;
        break;
    }
    await slices.step();
  }
  if (!cut) throw bad('The state ends without device state.');
  blobs.restore({ pieces: backing.pieces, consoles }, cut);
  return cut;
}

class ArrivingMemory {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #pages: GuestPages;

  constructor(memory: WebAssembly.Memory, pages: GuestPages) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#pages = pages;
  }

  put({ numbers, contents, uniform, xorNumbers, xor, copies }: ArrivingPages): void {
    for (const [i, page] of numbers.entries()) {
      const at = i * pageBytes;
      this.#bytes.set(contents.subarray(at, at + pageBytes), this.#address(page));
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

/** Of each blob the last that came counts. */
class ArrivingBlobs {
  readonly #blobs = new Map<string, Map<number, Uint8Array>>();
  #open: { stream: string; index: number; parts: Uint8Array[]; bytes: number } | undefined;

  add({ stream, index, bytes, totalBytes, offsetBytes }: BlobItem): void {
    const open = this.#open;
    if (offsetBytes === 0) this.#open = { stream, index, parts: [bytes], bytes: bytes.length };
    else if (open?.stream === stream && open.index === index && open.bytes === offsetBytes) {
      open.parts.push(bytes);
      open.bytes += bytes.length;
    } else throw bad(`A part of "${stream}" is missing.`);
    const { parts, bytes: there } = this.#open ?? { parts: [], bytes: 0 };
    if (there > totalBytes) throw bad(`"${stream}" is longer than it says.`);
    if (there < totalBytes) return;
    this.#of(stream).set(index, parts.length === 1 ? bytes : joinBytes(parts));
    this.#open = undefined;
  }

  remove(stream: string, index: number): void {
    this.#of(stream).delete(index);
  }

  restore(place: Parameters<BlobRestore['restore']>[0], cut: CutItem): void {
    if (this.#open) throw bad(`"${this.#open.stream}" is cut off.`);
    const restored = new BlobRestore();
    for (const [stream, blobs] of this.#blobs)
      for (const [index, bytes] of blobs) restored.add({ stream, index, bytes });
    restored.restore(place, cut);
  }

  #of(stream: string): Map<number, Uint8Array> {
    let blobs = this.#blobs.get(stream);
    if (!blobs) {
      blobs = new Map();
      this.#blobs.set(stream, blobs);
    }
    return blobs;
  }
}
