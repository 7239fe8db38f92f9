/**
 * The page's own record of the guest that is stored here. On a full disk, a browser deletes the data of
 * sites that are not persistent. localStorage stays.
 */
import type { Session } from '../session/session.ts';

interface StoredMark {
  name: string;
  takenAtMs: number;
}

const keyOf = (id: string) => `holdfast.stored.${id}`;
/** A mark shows roughly how much was lost. */
const refreshMs = 10_000;

/** Marks the guest of the session after saves, at most at this interval. */
export function markStored(session: Session): void {
  let lastMs = 0;
  session.onChange(() => {
    const { durability, config } = session.status ?? {};
    if (session.isWatching || durability?.state !== 'saved') return;
    const { takenAtMs = 0 } = durability;
    if (takenAtMs - lastMs < refreshMs) return;
    lastMs = takenAtMs;
    const mark: StoredMark = { name: config?.name ?? 'Machine', takenAtMs };
    write(session.machineId, JSON.stringify(mark));
  });
}

/** The record of a machine, as a page last saw it. */
export function storedMark(id: string): StoredMark | undefined {
  try {
    return JSON.parse(localStorage.getItem(keyOf(id)) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

/** For a machine that its user deleted. */
export function forgetMark(id: string): void {
  write(id, null);
}

function write(id: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(keyOf(id));
    else localStorage.setItem(keyOf(id), value);
  } catch {
    // Storage is blocked or full: no mark is kept.
  }
}
