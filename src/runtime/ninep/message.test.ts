import { expect, test } from 'vitest';
import { errno, errorReply, judge } from './message.ts';

/** `w`: 32 bits, `d`: 64, `h`: 16, `b`: 8, text: a string with its length. */
function message(id: number, ...fields: (string | ['w' | 'd' | 'h' | 'b', number])[]): Uint8Array {
  const bytes: number[] = [0, 0, 0, 0, id, 1, 0];
  const put = (value: number, size: number) => {
    for (let at = 0; at < size; at++) bytes.push(Math.floor(value / 256 ** at) % 256);
  };
  for (const field of fields) {
    if (typeof field === 'string') {
      put(field.length, 2);
      for (const character of field) bytes.push(character.charCodeAt(0));
    } else put(field[1], { w: 4, d: 8, h: 2, b: 1 }[field[0]]);
  }
  return Uint8Array.from(bytes);
}
const w = (value: number) => ['w', value] as ['w', number];
const d = (value: number) => ['d', value] as ['d', number];
const isOpen = (fid: number) => fid === 1;
const judged = (...given: Parameters<typeof message>) => judge(message(...given), isOpen);
const refusal = (code: number) => ({ kind: 'refused', errno: code });

test('[6] what a message lets the share grow by is known before v86 gets it', () => {
  expect(judged(118, w(1), d(2 ** 33), w(4), w(0))).toEqual({
    kind: 'fine',
    growth: { resize: { fid: 1, sizeBytes: 2 ** 33 + 4 } },
  });
  const attributes = [w(0), w(0), w(0), d(4_000_000_000), d(0), d(0), d(0), d(0)];
  expect(judged(26, w(1), w(8), ...attributes)).toEqual({
    kind: 'fine',
    growth: { resize: { fid: 1, sizeBytes: 4_000_000_000 } },
  });
  expect(judged(26, w(1), w(7), ...attributes)).toEqual({ kind: 'fine', growth: {} });
  expect(judged(72, w(1), 'directory', w(0), w(0))).toMatchObject({
    growth: { metadataBytes: 512 + 18 },
  });
});

test('[6] messages that v86 would stumble over are answered with an error', () => {
  expect(judged(99)).toEqual(refusal(errno.notSupported));
  expect(judged(118, w(1), d(0), w(1))).toEqual(refusal(errno.invalid));
  expect(judged(116, w(7), d(0), w(1))).toEqual(refusal(errno.badFile));
  expect(judged(70, w(1), w(7), 'link')).toEqual(refusal(errno.badFile));
  expect(judged(74, w(1), 'a', w(7), 'b')).toEqual(refusal(errno.badFile));
  expect(judged(104, w(2 ** 31), w(0), 'root', '', w(0))).toEqual(refusal(errno.tooManyFiles));
  expect(judged(110, w(1), w(70_000), ['h', 0])).toEqual(refusal(errno.tooManyFiles));
  expect(judged(72, w(1), 'x'.repeat(256), w(0), w(0))).toEqual(refusal(errno.nameTooLong));
  expect(judged(16, w(1), 'l', 'x'.repeat(4097), w(0))).toEqual(refusal(errno.nameTooLong));
  expect(judge(new Uint8Array(3), isOpen)).toEqual(refusal(errno.notSupported));
});

test('[6] 100,000 random messages are judged without a throw', () => {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed >>> 16;
  };
  for (let i = 0; i < 100_000; i++) {
    const bytes = Uint8Array.from({ length: random() % 90 }, () => random());
    if (bytes.length > 4) bytes[4] = (random() % 64) * 2;
    if (bytes.length > 10 && random() % 2) bytes.set([1, 0, 0, 0], 7);
    const { kind } = judge(bytes, isOpen);
    expect(kind === 'fine' || kind === 'refused').toBe(true);
    expect(errorReply(bytes, errno.io)).toHaveLength(11);
  }
});
