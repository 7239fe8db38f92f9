import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue, type Value } from '../../vmstate/value.ts';
import { cutBuffers, growReplyBuffer } from './grown-buffers.ts';

const mebibyte = 1 << 20;

/** v86's state of a CPU with one drive and a 9p device, reduced to their buffers. */
function stateWith(buffer: Uint8Array, dataLength: number) {
  const drive: Value[] = [];
  drive[16] = buffer;
  drive[17] = dataLength;
  const share: Value[] = [];
  share[5] = 131_072;
  share[6] = new Uint8Array(262_144);
  const cpu: Value[] = [];
  cpu[45] = share;
  cpu[85] = [[drive]];
  return { cpu, drive, share };
}

const lengthOf = (value: Value | undefined) => (value as Uint8Array).length;

describe('[DV3] buffers that grew', () => {
  it('are as long as at first when the transfer is over', () => {
    const { cpu, drive } = stateWith(new Uint8Array(mebibyte).fill(7), 512);
    cutBuffers(cpu);
    expect(drive[16]).toEqual(new Uint8Array(65_536).fill(7));
  });

  it('keep a long transfer, its zeros in the bytes that are stored', () => {
    const buffer = new Uint8Array(mebibyte);
    buffer.set([1, 2, 3]);
    const { cpu, drive } = stateWith(buffer, 100_001);
    cutBuffers(cpu);
    expect(lengthOf(drive[16])).toBe(100_008);
    expect((drive[16] as Uint8Array).subarray(0, 100_004)).toEqual(buffer.subarray(0, 100_004));
    const bytes = encodeValue(drive[16]);
    expect(bytes.length).toBeGreaterThan(100_001);
    expect(decodeValue(bytes)).toEqual(drive[16]);
    cutBuffers(cpu);
    expect(lengthOf(drive[16])).toBe(100_008);
    expect(buffer).toHaveLength(mebibyte);
  });

  it('give the 9p device the room that its guest asked for, up to 16 MiB', () => {
    const { cpu, share } = stateWith(new Uint8Array(65_536), 512);
    cutBuffers(cpu);
    expect(lengthOf(share[6])).toBe(16_384);
    growReplyBuffer(cpu);
    expect(lengthOf(share[6])).toBe(262_144);
    share[5] = 2 ** 31;
    growReplyBuffer(cpu);
    expect(lengthOf(share[6])).toBe(16 * mebibyte);
  });
});
