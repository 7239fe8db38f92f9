import { expect, test } from 'vitest';
import { aliveFrame, framesOf, MessageJoiner } from './message-parts.ts';
import { frameBytes } from './transport.ts';

const numbered = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7);

test.each([0, 1, 24, frameBytes - 1, frameBytes, 3 * (frameBytes - 1), 1_000_000])(
  '[MH1] a message of %d bytes is the same after frames of 64 KiB at most',
  (length) => {
    const joiner = new MessageJoiner();
    const frames = [...framesOf(numbered(length))];
    const joined = frames.map((frame) => joiner.take(frame));
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThanOrEqual(frameBytes);
    expect(joined.slice(0, -1).every((one) => one === undefined)).toBe(true);
    expect(Buffer.compare(joined.at(-1) as Uint8Array, numbered(length))).toBe(0);
  },
);

test('[MH1] a sign of life between two parts changes nothing', () => {
  const joiner = new MessageJoiner();
  const [first, last] = framesOf(numbered(frameBytes));
  joiner.take(first as Uint8Array<ArrayBuffer>);
  expect(joiner.take(aliveFrame())).toBeUndefined();
  expect(joiner.take(last as Uint8Array<ArrayBuffer>)).toEqual(numbered(frameBytes));
});

test.each([
  ['without a byte', new Uint8Array()],
  ['that is too long', new Uint8Array(frameBytes + 1)],
  ['of an unknown kind', Uint8Array.of(9, 1)],
  ['that is a part and not full', Uint8Array.of(0, 1)],
  ['that is a sign of life with contents', Uint8Array.of(2, 0)],
])('[MH2] a frame %s is refused', (_, frame) => {
  expect(() => new MessageJoiner().take(frame)).toThrow(
    expect.objectContaining({ code: 'migration-failed' }),
  );
});

test('[MH2] a message that does not end is refused at 16 MiB', () => {
  const joiner = new MessageJoiner();
  const part = new Uint8Array(frameBytes);
  let parts = 0;
  const send = () => {
    for (; parts < 1000; parts++) joiner.take(part);
  };
  expect(send).toThrow(expect.objectContaining({ code: 'migration-failed' }));
  expect(parts).toBe(256);
});
