/**
 * Layout changes of v86's own state between the versions that Holdfast supports, and devices that
 * Holdfast's own machines gained. They were found by a comparison of all versions' saved states.
 * Elements that a version does not write or read are translated here, instead of by `set_state`.
 */
import type { Value } from '../../vmstate/value.ts';

interface LayoutChange {
  /** Index in the CPU's state. */
  element: number;
  what: string;
  /** The first version of v86, or of this format, that has it (`added`) or lacks it (`removed`). */
  since: string;
  change: 'added' | 'removed';
}

export const layoutChanges: readonly LayoutChange[] = [
  { element: 79, what: 'second serial port', since: 'format version 2', change: 'added' },
  { element: 89, what: 'VMware mouse: absolute, enabled', since: '0.5.366', change: 'added' },
  { element: 9, what: 'pending page fault, always 0', since: '0.5.409', change: 'removed' },
  { element: 90, what: 'first parallel port', since: '0.5.432', change: 'added' },
  { element: 91, what: 'second parallel port', since: '0.5.432', change: 'added' },
];

/**
 * @param cpu the CPU's state, as another version of v86 has saved it
 * @param own the CPU's state of newly created devices that will take over the guest
 * @returns the state in the layout of `own`. Elements that the other version lacks are as in a
 * newly started machine. Elements that this version lacks are left out.
 */
export function translateLayout(cpu: readonly Value[], own: readonly Value[]): Value[] {
  const translated = [...cpu];
  for (const { element } of layoutChanges) {
    const has = translated[element] !== undefined;
    const wants = own[element] !== undefined;
    if (has !== wants) translated[element] = own[element];
  }
  while (translated.length > own.length && translated.at(-1) === undefined) translated.pop();
  while (translated.length < own.length && own[translated.length] === undefined)
    translated.push(undefined);
  return translated;
}
