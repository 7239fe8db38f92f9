import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { decodedSizeBytes, decodeValue, encodeValue, type Value } from './value.ts';

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
    return error instanceof HoldfastError ? error.code : `untyped: ${error}`;
  }
};

describe('values', () => {
  it('are read back unchanged', () => {
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

  it('[VL6] nothing is decoded into more than the limit that is given', () => {
    const bytes = encodeValue(sample);
    const sizeBytes = decodedSizeBytes(bytes);
    expect(decodeValue(bytes, sizeBytes)).toBeDefined();
    expect(code(() => decodeValue(bytes, sizeBytes - 1))).toBe('bad-vmstate');
  });

  it('[VL1] another form of the same value is refused', () => {
    const f64 = (value: number) => [...new Uint8Array(Float64Array.of(value).buffer)];
    const payloadNan = [1, 0, 0, 0, 0, 0, 0xf8, 0x7f];
    for (const [why, bytes] of Object.entries({
      'an integer as a float': [5, ...f64(7)],
      'another NaN': [5, ...payloadNan],
      'text that is not UTF-8': [6, 1, 0, 0, 0, 0xff],
      'a key that occurs twice': [8, 2, 0, 0, 0, 1, 0, 0, 0, 97, 1, 1, 0, 0, 0, 97, 1],
      'a number as a later key': [8, 2, 0, 0, 0, 1, 0, 0, 0, 97, 1, 1, 0, 0, 0, 48, 1],
      'padding that is not zero': [9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 7],
      'trailing zeros that are stored': [9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      'more bytes than elements': [9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
    }))
      expect(
        code(() => decodeValue(Uint8Array.from(bytes))),
        why,
      ).toBe('bad-vmstate');
  });

  it('[VL1] every NaN is written as the same bytes', () => {
    const strange = new Float64Array(Uint8Array.of(1, 0, 0, 0, 0, 0, 0xf8, 0xff).buffer)[0];
    expect(encodeValue(strange)).toEqual(encodeValue(Number.NaN));
    expect(decodeValue(encodeValue(strange))).toBeNaN();
  });

  it('values larger than any buffer at hand are encoded whole', () => {
    // Tags, numbers and lengths occur at every place where a buffer may end.
    for (let shift = 0; shift < 9; shift++) {
      const value = ['x'.repeat(shift), Array.from({ length: 200_000 }, (_, i) => i + 0.5)];
      expect(decodeValue(encodeValue(value))).toEqual(value);
    }
  });

  it('a key of "__proto__" is a key like any other', () => {
    const bytes = encodeValue(JSON.parse('{"__proto__": {"polluted": true}}') as Value);
    const back = decodeValue(bytes) as Record<string, unknown>;
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(back)).toEqual(['__proto__']);
  });
});
