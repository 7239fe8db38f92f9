import { createHash } from 'node:crypto';
import { KeyedLock } from './keyed-lock.ts';
import type { ObjectStore } from './object-store.ts';

/** SHA-256, hex. */
export const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

export interface PublishedState {
  sizeBytes: number;
  /** Milliseconds since 1970; absent: never. */
  expiresAt?: number;
}

/**
 * The published states. A state is named by the SHA-256 of its content and is there as long as one
 * share of it is: two people who upload the same bytes have one file and a deletion token each.
 *
 * Keys: `states/<digest>` and, for each share, `shares/<digest>/<SHA-256 of the token>`. The share
 * is written before the state, so that no state can be left without one.
 */
export class StateShelf {
  readonly #store: ObjectStore;
  readonly #expireAfterMs: number;
  readonly #now: () => number;
  readonly #lock = new KeyedLock();
  #usedBytes = 0;

  /** @param expireAfterMs how long a share lasts; 0: for ever */
  constructor(store: ObjectStore, expireAfterMs: number, now = Date.now) {
    this.#store = store;
    this.#expireAfterMs = expireAfterMs;
    this.#now = now;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Publishes a file whose content has the digest `id`; the file may be gone afterwards. */
  add(id: string, token: string, path: string, sizeBytes: number): Promise<PublishedState> {
    return this.#lock.run(id, async () => {
      const expiresAt = this.#expireAfterMs > 0 ? this.#now() + this.#expireAfterMs : undefined;
      await this.#store.putText(shareKey(id, digestOf(token)), JSON.stringify({ expiresAt }));
      if ((await this.#store.size(stateKey(id))) === undefined) {
        await this.#store.putFile(stateKey(id), path);
        this.#usedBytes += sizeBytes;
      }
      return { sizeBytes, ...(expiresAt !== undefined && { expiresAt }) };
    });
  }

  /** Undefined: it was never there, is deleted or has expired. */
  async find(id: string): Promise<PublishedState | undefined> {
    const sizeBytes = await this.#store.size(stateKey(id));
    if (sizeBytes === undefined) return undefined;
    let expiresAt = 0;
    for (const share of await this.#shares(id)) {
      expiresAt = Math.max(expiresAt, share.expiresAt ?? Number.POSITIVE_INFINITY);
    }
    if (expiresAt <= this.#now()) return undefined;
    return { sizeBytes, ...(Number.isFinite(expiresAt) && { expiresAt }) };
  }

  read(...[id, range]: [id: string, range?: { start: number; end: number }]) {
    return this.#store.read(stateKey(id), range);
  }

  directUrl(id: string): Promise<string> | undefined {
    return this.#store.directUrl?.(stateKey(id));
  }

  /** Takes one share back, and with the last one the state. @returns false: no share has this token */
  removeShare(id: string, token: string): Promise<boolean> {
    return this.#lock.run(id, async () => {
      const key = shareKey(id, digestOf(token));
      if ((await this.#store.size(key)) === undefined) return false;
      await this.#store.remove(key);
      await this.#removeIfUnshared(id);
      return true;
    });
  }

  /** Removes what has expired, and counts what is there. */
  async sweep(): Promise<void> {
    let usedBytes = 0;
    for await (const { key, sizeBytes } of this.#store.list('states/')) {
      const id = key.slice('states/'.length);
      const kept = await this.#lock.run(id, async () => {
        for (const share of await this.#shares(id)) {
          if ((share.expiresAt ?? Number.POSITIVE_INFINITY) <= this.#now()) {
            await this.#store.remove(share.key);
          }
        }
        return !(await this.#removeIfUnshared(id));
      });
      if (kept) usedBytes += sizeBytes;
    }
    this.#usedBytes = usedBytes;
  }

  /** Inside of the lock. */
  async #removeIfUnshared(id: string): Promise<boolean> {
    if ((await this.#shares(id)).length > 0) return false;
    this.#usedBytes -= (await this.#store.size(stateKey(id))) ?? 0;
    await this.#store.remove(stateKey(id));
    return true;
  }

  async #shares(id: string): Promise<{ key: string; expiresAt?: number }[]> {
    const shares = [];
    for await (const { key } of this.#store.list(`shares/${id}/`)) {
      const text = await this.#store.getText(key);
      if (text !== undefined) shares.push({ key, ...parseShare(text) });
    }
    return shares;
  }
}

const stateKey = (id: string) => `states/${id}`;
const shareKey = (id: string, tokenDigest: string) => `shares/${id}/${tokenDigest}`;

function parseShare(text: string): { expiresAt?: number } {
  const { expiresAt } = JSON.parse(text) as { expiresAt?: unknown };
  return typeof expiresAt === 'number' ? { expiresAt } : {};
}
