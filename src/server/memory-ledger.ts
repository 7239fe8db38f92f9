import type { Client } from './client.ts';
import { type Ledger, type LedgerLimits, type Refusal, refusalOf } from './ledger.ts';

interface Pending {
  bytes: number;
  client: Client;
  changedAt: number;
}

/** The ledger of a server that is one process. Everything is entered before anything is awaited. */
export class MemoryLedger implements Ledger {
  readonly #limits: LedgerLimits;
  readonly #now: () => number;
  readonly #pending = new Map<string, Pending>();
  readonly #states = new Map<string, number>();
  #pendingBytes = 0;
  #usedBytes = 0;

  constructor(limits: LedgerLimits, now = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  async begin(uploadId: string, client: Client, sizeBytes: number): Promise<void> {
    if (this.#pending.size >= this.#limits.maxPendingUploads) throw refusalOf('uploads');
    for (const { key, shares } of client) {
      const limit = this.#limits.maxPendingUploadsPerClient * shares;
      if (this.#of(key).uploads >= limit) throw refusalOf('client-uploads');
    }
    const refusal = this.#refusal(client, sizeBytes);
    if (refusal) throw refusalOf(refusal);
    this.#pending.set(uploadId, { bytes: 0, client, changedAt: this.#now() });
  }

  async arrive(uploadId: string, client: Client, bytes: number): Promise<void> {
    const refusal = this.#refusal(client, bytes);
    if (refusal) throw refusalOf(refusal);
    const before = this.#pending.get(uploadId)?.bytes ?? 0;
    this.#set(uploadId, { bytes: before + bytes, client, changedAt: this.#now() });
  }

  async correct(uploadId: string, bytes: number): Promise<void> {
    const entry = this.#pending.get(uploadId);
    if (entry) this.#set(uploadId, { ...entry, bytes });
  }

  async knows(uploadId: string): Promise<boolean> {
    return this.#pending.has(uploadId);
  }

  async learn(uploadId: string, bytes: number, changedAt: number): Promise<void> {
    if (!this.#pending.has(uploadId)) this.#set(uploadId, { bytes, client: [], changedAt });
  }

  async end(uploadId: string): Promise<void> {
    this.#pendingBytes -= this.#pending.get(uploadId)?.bytes ?? 0;
    this.#pending.delete(uploadId);
  }

  async idle(forMs: number): Promise<string[]> {
    const before = this.#now() - forMs;
    return [...this.#pending].filter(([, entry]) => entry.changedAt <= before).map(([id]) => id);
  }

  async setState(id: string, sizeBytes: number): Promise<void> {
    this.#usedBytes += sizeBytes - (this.#states.get(id) ?? 0);
    if (sizeBytes > 0) this.#states.set(id, sizeBytes);
    else this.#states.delete(id);
  }

  async *states(): AsyncIterable<string> {
    yield* [...this.#states.keys()];
  }

  async usedBytes(): Promise<number> {
    return this.#usedBytes;
  }

  #set(uploadId: string, entry: Pending): void {
    this.#pendingBytes += entry.bytes - (this.#pending.get(uploadId)?.bytes ?? 0);
    this.#pending.set(uploadId, entry);
  }

  #refusal(client: Client, bytes: number): Refusal | undefined {
    const { maxTotalBytes, maxPendingBytes, maxPendingBytesPerClient } = this.#limits;
    const pendingBytes = this.#pendingBytes + bytes;
    if (pendingBytes > maxPendingBytes) return 'bytes';
    if (this.#usedBytes + pendingBytes > maxTotalBytes) return 'bytes';
    for (const { key, shares } of client) {
      if (this.#of(key).bytes + bytes > maxPendingBytesPerClient * shares) return 'client-bytes';
    }
    return undefined;
  }

  /**
   * Returns the uploads in progress of one network. There are few enough to count them each time.
   */
  #of(network: string): { uploads: number; bytes: number } {
    const sum = { uploads: 0, bytes: 0 };
    for (const { client, bytes } of this.#pending.values()) {
      if (!client.some(({ key }) => key === network)) continue;
      sum.uploads++;
      sum.bytes += bytes;
    }
    return sum;
  }
}
