import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { CprError } from '../errors.ts';
import { decodeValue, encodeValue } from './value.ts';
import { decodeVmstate, encodeVmstate, limits, type Section } from './vmstate.ts';

const { h64Raw: digest } = await xxhash();

const sections: Section[] = [
  { name: 'emulator', version: 1, required: true, bytes: new TextEncoder().encode('{"v":1}') },
  { name: 'v86.devices', version: 3, required: true, bytes: encodeValue([1, 'two', { three: 3 }]) },
  { name: 'note', version: 1, required: false, bytes: new Uint8Array(0) },
];
const state = encodeVmstate(sections, digest);

const refusal = (bytes: Uint8Array) => {
  try {
    decodeVmstate(bytes, digest);
    return 'accepted';
  } catch (error) {
    return error instanceof CprError ? error.code : `untyped: ${error}`;
  }
};

const changed = (at: number, value: number) => {
  const bytes = state.slice();
  bytes[at] = value;
  return bytes;
};

/** A small fast generator, so that a failing case can be run again. (Marsaglia's xorshift32.) */
function random(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
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
  });

  it('[EN2] refuses another format version and names both', () => {
    expect(() => decodeVmstate(changed(8, 9), digest)).toThrow(/format version 9.*reads 1/);
  });

  it('[EN3] refuses what goes on after the last section', () => {
    expect(refusal(Uint8Array.of(...state, 0))).toBe('bad-vmstate');
  });

  it('[EN4] refuses two sections of one name', () => {
    const [first] = sections as [Section];
    expect(refusal(encodeVmstate([first, first], digest))).toBe('bad-vmstate');
  });

  it('[SE3] refuses a change of any byte of a section', () => {
    // The padding carries nothing, so it is not covered.
    for (let at = 16; at < 16 + 24 + 8; at++)
      expect(refusal(changed(at, (state[at] ?? 0) ^ 1)), `byte ${at}`).toBe('bad-vmstate');
  });

  it('[LM1] refuses counts and lengths beyond the limits before it allocates', () => {
    const lie = state.slice();
    new DataView(lie.buffer).setUint32(12, limits.sections + 1, true);
    expect(refusal(lie)).toBe('bad-vmstate');
    new DataView(lie.buffer).setUint32(12, 3, true);
    new DataView(lie.buffer).setUint32(24, limits.sectionBytes + 1, true);
    expect(refusal(lie)).toBe('bad-vmstate');
  });

  it('any damage is a typed refusal or harmless: 20,000 mutations', () => {
    const next = random(20261123);
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
    const next = random(7);
    for (let i = 0; i < 20_000; i++) {
      try {
        decodeValue(mutate(value, next));
      } catch (error) {
        expect(error).toBeInstanceOf(CprError);
      }
    }
  });
});
