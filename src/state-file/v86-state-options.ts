/**
 * The machine options that a state of v86 determines, one row each. The reader of states, the
 * New-machine dialog and the description of a matching machine derive from them. The description
 * lists them in this order.
 */
import type { MachineConfig } from '../protocol/config.ts';

/** Machine options that a state of v86 determines. It does not contain the media in its drives. */
export type V86StateMachine = Required<
  Pick<
    MachineConfig,
    | 'memoryMiB'
    | 'vgaMemoryMiB'
    | 'network'
    | 'filesystem9p'
    | 'virtioConsole'
    | 'serialPorts'
    | 'acpi'
  >
>;

export type V86StateOption = keyof V86StateMachine;

/** The JSON part of a state. */
export interface SavedMachine {
  /** v86's list of a machine; a missing device is null. */
  state: readonly unknown[];
  buffers: readonly { length: number }[];
}

interface StateOption<T> {
  read(saved: SavedMachine): T;
  /** Text of the option's field in the New-machine dialog; empty: the default. */
  field(value: T): string;
  /** Part of the description; undefined if the option adds nothing to it. */
  words(value: T): string | undefined;
}

/** Indices in {@link SavedMachine.state}. */
const at = {
  memorySize: 0,
  share: 45,
  acpi: 50,
  vga: 52,
  ne2k: 59,
  uarts: [79, 80, 81],
  virtioConsole: 82,
  virtioNet: 83,
} as const;
/** Index of the memory in the VGA's list. */
const vgaMemoryAt = 39;

const has = ({ state }: SavedMachine, index: number) => Array.isArray(state[index]);

const v86StateOptions: { [K in V86StateOption]: StateOption<V86StateMachine[K]> } = {
  memoryMiB: {
    read: ({ state }) => Number(state[at.memorySize]) / 2 ** 20,
    field: String,
    words: (mebibytes) => `${mebibytes} MiB of RAM`,
  },
  vgaMemoryMiB: {
    read: ({ state, buffers }) => {
      const vga = state[at.vga] as readonly { buffer_id: number }[];
      return (buffers[vga[vgaMemoryAt]?.buffer_id ?? -1]?.length ?? 0) / 2 ** 20;
    },
    field: String,
    words: (mebibytes) => `${mebibytes} MiB of VGA memory`,
  },
  network: {
    read: (saved) => (has(saved, at.virtioNet) ? 'virtio' : has(saved, at.ne2k) ? 'ne2k' : 'none'),
    field: (device) => (device === 'ne2k' ? '' : device),
    words: (device) => (device === 'none' ? 'no network card' : `network card ${device}`),
  },
  filesystem9p: {
    read: (saved) => has(saved, at.share),
    field: (isOn) => (isOn ? '' : 'off'),
    words: (isOn) => (isOn ? 'a 9p filesystem' : undefined),
  },
  virtioConsole: {
    read: (saved) => has(saved, at.virtioConsole),
    field: (isOn) => (isOn ? '' : 'off'),
    words: (isOn) => (isOn ? 'a virtio console' : undefined),
  },
  serialPorts: {
    read: (saved) => 1 + at.uarts.filter((index) => has(saved, index)).length,
    field: String,
    words: (count) => (count > 1 ? `${count} serial ports` : undefined),
  },
  acpi: {
    read: (saved) => has(saved, at.acpi),
    field: (isOn) => (isOn ? 'on' : ''),
    words: (isOn) => (isOn ? 'ACPI' : undefined),
  },
};

const rows = Object.entries(v86StateOptions) as [V86StateOption, StateOption<unknown>][];

/** Reads all of the options. A damaged state throws anything, or gives sizes that are not positive. */
export const readOptions = (saved: SavedMachine): V86StateMachine =>
  Object.fromEntries(rows.map(([option, row]) => [option, row.read(saved)])) as V86StateMachine;

/** Texts of the options' fields in the New-machine dialog. */
export const fieldTexts = (machine: V86StateMachine): [V86StateOption, string][] =>
  rows.map(([option, row]) => [option, row.field(machine[option])]);

/** Describes the options of a machine that takes a state of this one. */
export const describeOptions = (machine: V86StateMachine): string[] =>
  rows.flatMap(([option, row]) => row.words(machine[option]) ?? []);
