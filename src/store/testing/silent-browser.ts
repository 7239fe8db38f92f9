/** For tests: storage of a browser that accepts requests and does not answer, part by part. */
import { vi } from 'vitest';

export const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

class Stub extends EventTarget {}
class FakeRequest extends Stub {
  result: unknown;
  answer(result: unknown): this {
    this.result = result;
    queueMicrotask(() => this.dispatchEvent(new Event('success')));
    return this;
  }
}
class FakeStore extends Stub {
  readonly #answers: boolean;
  constructor(answers: boolean) {
    super();
    this.#answers = answers;
  }
  getAll = () => this.#request([]);
  put = () => this.#request('key');
  #request(result: unknown): FakeRequest {
    const request = new FakeRequest();
    return this.#answers ? request.answer(result) : request;
  }
}
class FakeTransaction extends Stub {
  readonly #answers: boolean;
  constructor(answers: boolean) {
    super();
    this.#answers = answers;
    if (answers) setTimeout(() => this.dispatchEvent(new Event('complete')), 1);
  }
  objectStore = () => new FakeStore(this.#answers);
  abort = () => undefined;
}
class FakeDatabase extends Stub {
  readonly #answers: boolean;
  constructor(answers: boolean) {
    super();
    this.#answers = answers;
  }
  transaction = () => new FakeTransaction(this.#answers);
  close = () => undefined;
}

/** Types by which idb recognises its objects. */
export function installTypes(): void {
  vi.stubGlobal('IDBRequest', FakeRequest);
  vi.stubGlobal('IDBTransaction', FakeTransaction);
  vi.stubGlobal('IDBObjectStore', FakeStore);
  vi.stubGlobal('IDBDatabase', FakeDatabase);
  vi.stubGlobal('IDBIndex', class extends Stub {});
  vi.stubGlobal('IDBCursor', class extends Stub {});
}

/** Its databases open; each of them answers, or does not. @param answers by the number of its opening */
export function fakeFactory(answers: (opening: number) => boolean): IDBFactory {
  let openings = 0;
  const open = () => new FakeRequest().answer(new FakeDatabase(answers(openings++)));
  return { open, databases: async () => [] } as unknown as IDBFactory;
}

/** None of its requests is ever answered. */
export const silentFactory = {
  open: () => new FakeRequest(),
  deleteDatabase: () => new FakeRequest(),
  databases: never,
} as unknown as IDBFactory;

/** Returns the outcome of `promise` within `limitMs` of fake time. */
export async function outcomeOf(promise: Promise<unknown>, limitMs: number): Promise<unknown> {
  let outcome: unknown = 'still waiting';
  promise.then(
    (value) => {
      outcome = value;
    },
    (thrown) => {
      outcome = thrown;
    },
  );
  for (let atMs = 0; atMs < limitMs && outcome === 'still waiting'; atMs += 1000)
    await vi.advanceTimersByTimeAsync(1000);
  return outcome;
}
