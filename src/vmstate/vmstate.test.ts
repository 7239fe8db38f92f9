import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { HoldfastError } from '../errors.ts';
import { fixDigests } from './testing/fix-digests.ts';
import { randomSource } from './testing/mutate.ts';
import { decodeValue, encodeValue } from './value.ts';
import { decodeVmstate, encodeVmstate, limits, type Section } from './vmstate.ts';

const { h64Raw: digest } = await xxhash();

const sections: Section[] = [
  { name: 'emulator', version: 2, required: true, bytes: new TextEncoder().encode('{"v":1}') },
  { name: 'v86.devices', version: 3, required: true, bytes: encodeValue([1, 'two', { three: 3 }]) },
  { name: 'note', version: 1, required: false, bytes: new Uint8Array(0) },
];
const state = encodeVmstate(sections, digest);

const refusal = (bytes: Uint8Array) => {
  try {
    decodeVmstate(bytes, digest);
    return 'accepted';
  } catch (error) {
    return error instanceof HoldfastError ? error.code : `untyped: ${error}`;
  }
};

const changed = (at: number, value: number) => {
  const bytes = state.slice();
  bytes[at] = value;
  return bytes;
};

/** Returns the same bytes with digests that fit, as an attacker would make them. */
function redigested(bytes: Uint8Array): Uint8Array {
  fixDigests(bytes, digest);
  return bytes;
}

function mutate(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  const out = bytes.slice();
  const at = next(out.length);
  switch (next(5)) {
    case 0:
      out[at] = (out[at] ?? 0) ^ (1 << next(8));
      return out;
    case 1:
      return out.subarray(0, at);
    case 2:
      out.copyWithin(at, next(out.length), next(out.length));
      return out.some((byte, i) => byte !== bytes[i]) ? out : out.subarray(0, at);
    case 3:
      new DataView(out.buffer).setUint32(Math.min(at & -4, out.length - 4), next(2 ** 32), true);
      return out;
    default:
      return Uint8Array.of(...out, ...out.subarray(at));
  }
}

describe('the vmstate envelope', () => {
  it('gives back the sections it was made of', () => {
    const back = decodeVmstate(state, digest);
    expect(back.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] }))).toEqual(
      sections.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] })),
    );
  });

  it('[EN1] refuses what is not a vmstate', () => {
    expect(refusal(new Uint8Array(0))).toBe('bad-vmstate');
    expect(refusal(new TextEncoder().encode('{"not": "a vmstate"} and more'))).toBe('bad-vmstate');
    expect(() => decodeVmstate(changed(0, 0), digest)).toThrow('not a Holdfast vmstate');
    const stateFile = new TextEncoder().encode(`HOLDSTAT${' '.repeat(64)}`);
    expect(() => decodeVmstate(stateFile, digest)).toThrow('This is a state file');
  });

  it('[EN2] refuses another format version and names both', () => {
    expect(() => decodeVmstate(changed(8, 9), digest)).toThrow(/format version 9.*reads 1 to 2/);
    expect(refusal(changed(8, 0))).toBe('bad-vmstate');
  });

  it('[EN3] refuses bytes after the last section', () => {
    expect(refusal(Uint8Array.of(...state, 0))).toBe('bad-vmstate');
  });

  it('[EN4] refuses two sections of one name', () => {
    const [first] = sections as [Section];
    const twin = { ...first, name: 'emulat0r' };
    const bytes = encodeVmstate([first, twin], digest);
    const at = bytes.lastIndexOf('0'.charCodeAt(0));
    bytes[at] = 'o'.charCodeAt(0);
    expect(() => decodeVmstate(redigested(bytes), digest)).toThrow(/two sections named "emulator"/);
    expect(() => encodeVmstate([first, first], digest)).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });

  it('[EN5] refuses sections that were taken away, added, or put in another order', () => {
    const [first, second, third] = sections as [Section, Section, Section];
    const others = [
      [first, second],
      [second, first, third],
      [...sections, { ...third, name: 'other' }],
    ];
    for (const other of others) {
      const bytes = encodeVmstate(other, digest);
      bytes.set(state.subarray(16, 24), 16);
      expect(() => decodeVmstate(bytes, digest)).toThrow('The list of sections');
    }
  });

  it('[SE1] refuses a name that is not text', () => {
    const bytes = state.slice();
    bytes[48] = 0xff;
    expect(() => decodeVmstate(redigested(bytes), digest)).toThrow('whose name is not text');
  });

  it('[SE2] refuses flags that mean nothing and versions below 1', () => {
    for (const [at, value] of [
      [24, 3],
      [28, 0],
    ] as const)
      expect(() => decodeVmstate(redigested(changed(at, value)), digest)).toThrow(
        'an invalid header',
      );
  });

  it('[SE3] refuses a change of any byte of a section', () => {
    for (let at = 24; at < state.length; at++)
      expect(refusal(changed(at, (state[at] ?? 0) ^ 1)), `byte ${at}`).toBe('bad-vmstate');
  });

  it('[SE5] refuses padding that is not zero', () => {
    // The contents of "emulator" are 7 bytes.
    const bytes = changed(24 + 32 + 7, 1);
    expect(() => decodeVmstate(redigested(bytes), digest)).toThrow('"emulator"');
  });

  it('[LM1] refuses counts and lengths beyond the limits before it allocates', () => {
    const lie = state.slice();
    const view = new DataView(lie.buffer);
    view.setUint32(12, limits.sections + 1, true);
    expect(() => decodeVmstate(lie, digest)).toThrow('claims 257 sections');
    view.setUint32(12, 3, true);
    view.setUint32(24 + 8, limits.sectionBytes + 1, true);
    expect(() => decodeVmstate(lie, digest)).toThrow('invalid section header');
  });

  it('any damage is a typed refusal or harmless: 20,000 mutations', () => {
    const next = randomSource(20261123);
    const untyped: string[] = [];
    for (let i = 0; i < 20_000; i++) {
      const bytes = mutate(state, next);
      const outcome = refusal(bytes);
      if (outcome === 'bad-vmstate') continue;
      // Only padding can have changed.
      if (outcome !== 'accepted') untyped.push(outcome);
      else
        expect(decodeVmstate(bytes, digest).map(({ name }) => name)).toEqual(
          sections.map(({ name }) => name),
        );
    }
    expect(untyped).toEqual([]);
  });

  it('any damage to a bare value is a typed refusal or a value: 20,000 mutations', () => {
    const value = encodeValue({
      a: [1, 2.5, 'x', Uint16Array.of(1, 2)],
      b: [null, undefined, true],
    });
    const next = randomSource(7);
    for (let i = 0; i < 20_000; i++) {
      try {
        decodeValue(mutate(value, next));
      } catch (error) {
        expect(error).toBeInstanceOf(HoldfastError);
      }
    }
  });
});
