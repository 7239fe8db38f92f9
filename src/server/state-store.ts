import { createHash } from 'node:crypto';
import type { Coordination } from './coordination.ts';
import type { ObjectStore } from './object-store.ts';

/** SHA-256, hex. */
export const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

export interface PublishedState {
  sizeBytes: number;
  /** Milliseconds since 1970; absent: never. */
  expiresAt?: number;
}

/** Shares of a state by the digest of their deletion tokens, with their end; 0 for never. */
type Shares = Map<string, number>;

/** Keeps a record small, so that reading a state costs the same for all. */
export const maxShares = 100;

/**
 * The published states. A state's name is the SHA-256 of its content, and it exists as long as one
 * of its shares. Two people who upload the same bytes have one file and a deletion token each.
 *
 * Keys: `states/<digest>`, and `records/<digest>` for its shares. The record is written before the
 * state and removed after it, so that no state can be left without one. A record without a state is
 * left by a crash; a sweep removes it.
 */
export class StateStore {
  readonly #store: ObjectStore;
  readonly #expireAfterMs: number;
  readonly #coordination: Coordination;
  readonly #now: () => number;

  /** @param expireAfterMs lifetime of a share; 0: for ever */
  constructor(
    store: ObjectStore,
    expireAfterMs: number,
    coordination: Coordination,
    now = Date.now,
  ) {
    this.#store = store;
    this.#expireAfterMs = expireAfterMs;
    this.#coordination = coordination;
    this.#now = now;
  }

  /** Returns the end of a share that begins now; 0: never. */
  newExpiry(): number {
    return this.#expireAfterMs > 0 ? this.#now() + this.#expireAfterMs : 0;
  }

  /**
   * Adds a share of a state.
   * @param put stores the content at a key; called if it is not stored yet
   */
  add(
    id: string,
    share: { tokenDigest: string; expiresAt: number },
    sizeBytes: number,
    put: (key: string) => Promise<void>,
  ): Promise<void> {
    return this.#exclusively(id, async () => {
      const shares = this.#current((await this.#shares(id)) ?? new Map());
      shares.delete(share.tokenDigest);
      // A share beyond the limit only loses its deletion token; other shares still have theirs.
      while (shares.size >= maxShares) shares.delete(firstToEnd(shares));
      shares.set(share.tokenDigest, share.expiresAt);
      await this.#write(id, shares);
      if ((await this.#store.size(stateKey(id))) === undefined) await put(stateKey(id));
      await this.#coordination.ledger.setState(id, sizeBytes);
    });
  }

  /** Reads one size and one record. Undefined: it never existed, was deleted or has expired. */
  async find(id: string): Promise<PublishedState | undefined> {
    const sizeBytes = await this.#store.size(stateKey(id));
    if (sizeBytes === undefined) return undefined;
    const shares = this.#current((await this.#shares(id)) ?? new Map());
    if (shares.size === 0) return undefined;
    const ends = [...shares.values()];
    return { sizeBytes, ...(!ends.includes(0) && { expiresAt: Math.max(...ends) }) };
  }

  read(...[id, range]: [id: string, range?: { start: number; end: number }]) {
    return this.#store.read(stateKey(id), range);
  }

  directUrl(id: string): Promise<string> | undefined {
    return this.#store.directUrl?.(stateKey(id));
  }

  /**
   * Removes one share, and with the last one the state. @returns false if no share has this token
   */
  removeShare(id: string, token: string): Promise<boolean> {
    return this.#exclusively(id, async () => {
      const shares = this.#current((await this.#shares(id)) ?? new Map());
      if (!shares.delete(digestOf(token))) return false;
      if (shares.size === 0) await this.#remove(id);
      else await this.#write(id, shares);
      return true;
    });
  }

  /** Removes expired states and remains of a crash, and enters the present ones in the ledger. */
  async sweep(): Promise<void> {
    await this.#adoptOldShares();
    const kept = new Set<string>();
    for await (const { key } of this.#store.list('records/')) {
      const id = key.slice('records/'.length);
      if (await this.#exclusively(id, () => this.#sweepOne(id))) kept.add(id);
    }
    for await (const { key } of this.#store.list('states/')) {
      const id = key.slice('states/'.length);
      if (!kept.has(id) && (await this.#exclusively(id, () => this.#sweepOne(id)))) kept.add(id);
    }
    for await (const id of this.#coordination.ledger.states()) {
      if (!kept.has(id)) await this.#exclusively(id, () => this.#sweepOne(id));
    }
  }

  /** @returns true if the state stays */
  async #sweepOne(id: string): Promise<boolean> {
    const sizeBytes = await this.#store.size(stateKey(id));
    const all = await this.#shares(id);
    const shares = this.#current(all ?? new Map());
    if (sizeBytes === undefined || shares.size === 0) {
      await this.#remove(id);
      return false;
    }
    if (shares.size < (all?.size ?? 0)) await this.#write(id, shares);
    await this.#coordination.ledger.setState(id, sizeBytes);
    return true;
  }

  /**
   * Removes the state first: if the server ends in between, the rest is unreadable and is swept.
   */
  async #remove(id: string): Promise<void> {
    await this.#store.remove(stateKey(id));
    await this.#store.remove(recordKey(id));
    await this.#coordination.ledger.setState(id, 0);
  }

  /**
   * Converts shares of earlier versions, which had an object for each:
   * `shares/<digest>/<SHA-256 of the token>`.
   */
  async #adoptOldShares(): Promise<void> {
    for await (const { key } of this.#store.list('shares/')) {
      const [, id = '', tokenDigest = ''] = key.split('/');
      await this.#exclusively(id, async () => {
        const expiresAt = oldExpiry(await this.#store.getText(key));
        const shares = (await this.#shares(id)) ?? new Map();
        if (shares.size < maxShares) {
          shares.set(tokenDigest, expiresAt ?? this.newExpiry());
          await this.#write(id, shares);
        }
        await this.#store.remove(key);
      });
    }
  }

  #current(shares: Shares): Shares {
    const now = this.#now();
    return new Map([...shares].filter(([, expiresAt]) => expiresAt === 0 || expiresAt > now));
  }

  async #shares(id: string): Promise<Shares | undefined> {
    const text = await this.#store.getText(recordKey(id));
    if (text === undefined) return undefined;
    try {
      const { shares } = JSON.parse(text) as { shares: Record<string, number> };
      return new Map(Object.entries(shares));
    } catch {
      // A lost record need not cost the state: it stays for one more lifetime.
      console.error(`State server: the record of ${id} cannot be read.`);
      return new Map([[digestOf(''), this.newExpiry()]]);
    }
  }

  #write(id: string, shares: Shares): Promise<void> {
    const record = { shares: Object.fromEntries(shares) };
    return this.#store.putText(recordKey(id), JSON.stringify(record));
  }

  #exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#coordination.exclusively(`state:${id}`, work);
  }
}

const stateKey = (id: string) => `states/${id}`;
const recordKey = (id: string) => `records/${id}`;

function firstToEnd(shares: Shares): string {
  let first = '';
  let firstEnd = Number.POSITIVE_INFINITY;
  for (const [tokenDigest, expiresAt] of shares) {
    const end = expiresAt || Number.MAX_SAFE_INTEGER;
    if (end >= firstEnd) continue;
    first = tokenDigest;
    firstEnd = end;
  }
  return first;
}

/** Returns undefined for an unreadable record. */
function oldExpiry(text = ''): number | undefined {
  try {
    const { expiresAt } = JSON.parse(text) as { expiresAt?: unknown };
    return typeof expiresAt === 'number' ? expiresAt : 0;
  } catch {
    return undefined;
  }
}
