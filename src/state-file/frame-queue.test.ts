import { expect, test } from 'vitest';
import { type Codec, loadCodec } from './format/codec.ts';
import {
  decodeFrame,
  decodeFrameHeader,
  frameHeaderBytes,
  frameKind,
  type Stored,
} from './format/frame.ts';
import { PageSources } from './format/page-sources.ts';
import { FrameQueue } from './frame-queue.ts';

/** Compresses nothing until it is triggered. */
function queueOf(codec: Codec, parallel: number) {
  const written: Uint8Array<ArrayBuffer>[] = [];
  const asked: { finish(): void; fail(thrown: Error): void }[] = [];
  const queue = new FrameQueue({
    codec,
    parallel,
    compress: (raw) =>
      new Promise<Stored>((resolve, fail) => {
        asked.push({ finish: () => resolve({ bytes: raw, rawBytes: raw.length }), fail });
      }),
    write: async (bytes) => void written.push(bytes),
  });
  return { queue, written, asked };
}

const frame = (byte: number) => new Uint8Array(8).fill(byte);

test('frames are written in their order, and compressed in any order', async () => {
  const codec = await loadCodec();
  const { queue, written, asked } = queueOf(codec, 3);
  await queue.add(frameKind.pages, frame(1), 9);
  await queue.add(frameKind.pages, frame(2), 9);
  asked[1]?.finish();
  asked[0]?.finish();
  await queue.end(new PageSources(0, false));
  const contents = [];
  for (let i = 0; i < written.length; i += 2) {
    const header = decodeFrameHeader(written[i] ?? new Uint8Array(), 2);
    contents.push(decodeFrame(header, written[i + 1] ?? new Uint8Array(), codec)[0]);
  }
  expect(contents.slice(0, 2)).toEqual([1, 2]);
  expect(written[0]?.length).toBe(frameHeaderBytes);
});

test('no more are held than are compressed at a time', async () => {
  const { queue, written, asked } = queueOf(await loadCodec(), 2);
  await queue.add(frameKind.pages, frame(1), 9);
  let isAdded = false;
  const second = queue.add(frameKind.pages, frame(2), 9).then(() => {
    isAdded = true;
  });
  asked[1]?.finish();
  // One task later, everything that does not wait for the first one has happened.
  await new Promise((resolve) => setTimeout(resolve));
  expect({ isAdded, written }).toEqual({ isAdded: false, written: [] });
  asked[0]?.finish();
  await second;
});

test('a frame that fails to be compressed fails the file', async () => {
  const { queue, asked } = queueOf(await loadCodec(), 3);
  await queue.add(frameKind.pages, frame(1), 9);
  asked[0]?.fail(new Error('out of memory'));
  await expect(queue.end(new PageSources(0, false))).rejects.toThrow('out of memory');
});
