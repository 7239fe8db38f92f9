/** Streams that `for await` accepts, and every Node API that takes a stream. */

/** Has the iterator under any `lib` setting: `dom` alone leaves it out. */
export type IterableStream<T> = ReadableStream<T> & AsyncIterable<T>;

/**
 * Adds the iterator if it is missing: not every browser's streams are iterable (Safari's, before
 * 26).
 */
export function iterable<T>(stream: ReadableStream<T>): IterableStream<T> {
  if (!(Symbol.asyncIterator in stream))
    Object.defineProperty(stream, Symbol.asyncIterator, { value: () => values(stream) });
  return stream as IterableStream<T>;
}

async function* values<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
