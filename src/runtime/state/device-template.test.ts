import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue, type Value } from '../../vmstate/value.ts';
import { devicesOf } from '../testing/fuzz-vmstates.ts';
import { DeviceTemplate } from './device-template.ts';
import { layoutChanges, translateLayout } from './state-layout.ts';

const newest = join(import.meta.dirname, '../testing/states/v2.vmstate');
const own = devicesOf(new Uint8Array(readFileSync(newest)));
const template = new DeviceTemplate(own);

type State = { cpu: Value[]; [member: string]: Value };

/** Returns the state with `change` applied, encoded as a forger would. */
function changed(change: (state: State) => void): Uint8Array {
  const state = decodeValue(own) as unknown as State;
  change(state);
  return encodeValue(state);
}

describe('device state', () => {
  it('[DV1] that this runtime would save is taken', () => {
    expect(template.read(own).cpu).toHaveLength((decodeValue(own) as unknown as State).cpu.length);
  });

  it.each<[string, (state: State) => void]>([
    [
      'a register file of another type',
      ({ cpu }) => {
        cpu[39] = new Uint8Array(8);
      },
    ],
    [
      'a register file that is too short',
      ({ cpu }) => {
        cpu[39] = new Int32Array(7);
      },
    ],
    [
      'no registers',
      ({ cpu }) => {
        cpu[39] = undefined;
      },
    ],
    [
      'a device that is a number',
      ({ cpu }) => {
        cpu[53] = 7;
      },
    ],
    [
      'a device that this machine lacks',
      ({ cpu }) => {
        cpu[83] = [1, 2, 3];
      },
    ],
    [
      'text where a number is',
      ({ cpu }) => {
        cpu[37] = 'text';
      },
    ],
    ['more elements than there are', ({ cpu }) => void cpu.push([])],
    ['a drive buffer of odd length', ({ cpu }) => void setDriveBuffer(cpu, new Uint8Array(7))],
    [
      'a member that nobody knows',
      (state) => {
        state.strange = [1];
      },
    ],
    [
      'a queue that nobody knows',
      (state) => {
        state.queues = { 'cpu.strange': [1] };
      },
    ],
    [
      'a queue of what is no byte',
      (state) => {
        state.queues = { 'uart0.input': [256] };
      },
    ],
  ])('[DV1] with %s is refused', (_, change) => {
    expect(() => template.read(changed(change))).toThrow(
      expect.objectContaining({ code: 'runtime-incompatible' }),
    );
  });

  it('[DV1] that is none at all is refused', () => {
    for (const value of [null, 7, [], {}, { cpu: 1 }])
      expect(() => template.read(encodeValue(value))).toThrow(
        expect.objectContaining({ code: 'bad-vmstate' }),
      );
  });

  it.each(layoutChanges)('[DV2] without element $element ($what) gets its own', ({ element }) => {
    const mine: Value[] = Array.from({ length: 92 }, (_, i) => [i]);
    const without = mine.map((value, i) => (i === element ? undefined : value));
    expect(translateLayout(without, mine)).toEqual(mine);
    expect(translateLayout(mine, without)).toEqual(without);
  });

  it('[DV2] of an older, shorter layout gets as long as its own, and back', () => {
    const mine: Value[] = Array.from({ length: 92 }, (_, i) => [i]);
    const older = mine.slice(0, 89);
    expect(translateLayout(older, mine)).toEqual(mine);
    expect(translateLayout(mine, older)).toEqual(older);
  });
});

function setDriveBuffer(cpu: Value[], buffer: Uint8Array): void {
  // Secondary, primary, or a single disk: the first that this machine has.
  const channel = (cpu[57] ?? cpu[56] ?? (cpu[85] as Value[] | undefined)?.[1]) as Value[][];
  const drive = channel[0] as Value[];
  drive[16] = buffer;
}
