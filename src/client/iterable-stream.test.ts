import { expect, test, vi } from 'vitest';
import { iterable } from './iterable-stream.ts';

test('a stream of a browser without iterators can be iterated, and is cancelled by who leaves', async () => {
  const cancel = vi.fn();
  const stream = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(1),
    cancel,
  });
  Object.setPrototypeOf(stream, {
    getReader: () => ReadableStream.prototype.getReader.call(stream),
  });
  expect(Symbol.asyncIterator in stream).toBe(false);
  let sum = 0;
  for await (const value of iterable(stream)) {
    sum += value;
    if (sum === 3) break;
  }
  expect(sum).toBe(3);
  expect(cancel).toHaveBeenCalled();
});
