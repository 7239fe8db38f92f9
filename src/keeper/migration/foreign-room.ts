/** Memory for the disks and files of a guest of another host: some without approval, more with it. */
import type { ImportItem } from '../../protocol/state-transfer.ts';
import { refused } from './refused.ts';

/** As for state files: the part that needs no approval, and the part that no approval extends. */
const roomBytes = { unasked: 256 * 2 ** 20, most: 8 * 2 ** 30 } as const;
/** Least cost of a blob, with its entries in several lists. */
const leastBlobBytes = 4096;

export class ForeignRoom {
  readonly #ask: (sizeBytes: number) => Promise<boolean>;
  readonly #sizes = new Map<string, number>();
  #takenBytes = 0;
  #allowedBytes: number = roomBytes.unasked;

  /** @param ask resolves with true if they may take this much */
  constructor(ask: (sizeBytes: number) => Promise<boolean>) {
    this.#ask = ask;
  }

  /** Passes items on. A blob waits for its room before anything is allocated. @throws HoldfastError `migration-refused` */
  async *within(items: AsyncIterable<ImportItem>): AsyncGenerator<ImportItem> {
    for await (const item of items) {
      if (item.kind === 'no-blob') this.#count(item, 0);
      if (item.kind === 'blob' && item.offsetBytes === 0)
        this.#count(item, Math.max(item.totalBytes, leastBlobBytes));
      if (this.#takenBytes > this.#allowedBytes) await this.#more();
      yield item;
    }
  }

  /** A blob that is sent again replaces the one before. */
  #count({ stream, index }: { stream: string; index: number }, bytes: number): void {
    const key = `${stream} ${index}`;
    this.#takenBytes += bytes - (this.#sizes.get(key) ?? 0);
    if (bytes > 0) this.#sizes.set(key, bytes);
    else this.#sizes.delete(key);
  }

  async #more(): Promise<void> {
    let wanted = this.#allowedBytes;
    while (wanted < this.#takenBytes) wanted *= 2;
    if (this.#takenBytes > roomBytes.most || !(await this.#ask(Math.min(wanted, roomBytes.most))))
      throw refused(
        `The guest brings more than ${this.#allowedBytes / 2 ** 20} MiB of disks and files. That was not approved.`,
      );
    this.#allowedBytes = wanted;
  }
}
