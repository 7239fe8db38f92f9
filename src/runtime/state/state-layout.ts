/**
 * Where v86's own state changed its layout between the versions that Holdfast supports, found by
 * comparing what every one of them saves, and where Holdfast's own machines gained a device. What a
 * version does not write, or does not read, is translated here instead of left to `set_state`.
 */
import type { Value } from '../../vmstate/value.ts';

interface LayoutChange {
  /** Index in the CPU's state. */
  element: number;
  what: string;
  /** The first version of v86, or of this format, that has it (`added`) or no longer has it (`removed`). */
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
 * @param own the CPU's state of the devices that are to take the guest over, freshly made
 * @returns the state in the layout of `own`: what the other version did not have is as it is in a
 * machine that was just switched on, what this version does not have is left out.
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
