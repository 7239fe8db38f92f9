import { describe, expect, it } from 'vitest';
import { CprError } from '../errors.ts';
import { decodeValue, encodeValue, type Value } from './value.ts';

const sample: Value = {
  nothing: [undefined, null],
  flags: [true, false],
  numbers: [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 0.1, NaN, Infinity],
  text: ['', 'ascii', 'ä €  🖥'],
  arrays: [
    Uint8Array.of(1, 2, 3),
    Uint8ClampedArray.of(255),
    Int8Array.of(-1),
    Uint16Array.of(65535),
    Int16Array.of(-2),
    Uint32Array.of(2 ** 32 - 1),
    Int32Array.of(-3),
    Float32Array.of(1.5),
    Float64Array.of(Math.PI),
    new Uint8Array(0),
  ],
  nested: [[[[['deep']]]]],
};

const code = (run: () => unknown) => {
  try {
    run();
    return 'no error';
  } catch (error) {
    return error instanceof CprError ? error.code : `untyped: ${error}`;
  }
};

describe('values', () => {
  it('come back as they were', () => {
    const back = decodeValue(encodeValue(sample));
    expect(structuredClone(back)).toEqual(structuredClone(sample));
  });

  it('[VL1] equal values are equal bytes', () => {
    expect(encodeValue(decodeValue(encodeValue(sample)))).toEqual(encodeValue(sample));
  });

  it('[VL2] bytes after the value are refused', () => {
    expect(code(() => decodeValue(Uint8Array.of(...encodeValue(7), 0)))).toBe('bad-vmstate');
  });

  it('[VL3] nesting beyond 64 is refused both ways', () => {
    let deep: Value = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    expect(code(() => encodeValue(deep))).toBe('internal');
    const bytes = Uint8Array.from({ length: 500 }, (_, i) =>
      i % 5 === 0 ? 7 : i % 5 === 1 ? 1 : 0,
    );
    expect(code(() => decodeValue(bytes))).toBe('bad-vmstate');
  });

  it('[VL4] a count that the bytes cannot hold is refused', () => {
    for (const tag of [6, 7, 8])
      expect(code(() => decodeValue(Uint8Array.of(tag, 255, 255, 255, 255)))).toBe('bad-vmstate');
  });

  it('[VL5] zeros at the end of an array take no room', () => {
    expect(encodeValue(new Uint8Array(1 << 20)).length).toBeLessThan(32);
    const sparse = new Int32Array(1000);
    sparse[3] = 7;
    expect(decodeValue(encodeValue(sparse))).toEqual(sparse);
  });

  it('[VL6] elided zeros cannot ask for more than 64 MiB', () => {
    const bytes = encodeValue([new Uint8Array(40 << 20), new Uint8Array(40 << 20)]);
    expect(code(() => decodeValue(bytes))).toBe('bad-vmstate');
  });

  it('a key of "__proto__" is a key like any other', () => {
    const bytes = encodeValue(JSON.parse('{"__proto__": {"polluted": true}}') as Value);
    const back = decodeValue(bytes) as Record<string, unknown>;
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(back)).toEqual(['__proto__']);
  });
});
