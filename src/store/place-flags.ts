/**
 * What the workers of an origin tell each other of a place, for as long as the browser runs: a Web Lock
 * by its name, held by whoever found it out.
 */

/** `retired`: nobody may open it again, see DURABILITY.md [F2]. `renewed`: its log is not that of an earlier life. */
export type PlaceFlag = 'retired' | 'renewed';

const own = new Set<string>();
const lockName = (flag: PlaceFlag, place: number) => `holdfast.${flag} ${place}`;

const manager = () => (globalThis.navigator as { locks?: LockManager }).locks;

export function flag(name: PlaceFlag, place: number): void {
  const lock = lockName(name, place);
  if (own.has(lock)) return;
  own.add(lock);
  const held = () => new Promise<void>(() => undefined);
  manager()
    ?.request(lock, { mode: 'shared' }, held)
    .catch(() => undefined);
}

export async function hasFlag(name: PlaceFlag, place: number): Promise<boolean> {
  const lock = lockName(name, place);
  if (own.has(lock)) return true;
  const held = (await manager()?.query())?.held ?? [];
  return held.some((other) => other.name === lock);
}

/** Runs `action` while no other worker of the origin runs one. */
export async function alone<T>(action: () => Promise<T>): Promise<T> {
  const locks = manager();
  return locks ? await locks.request('holdfast.places', action) : action();
}
