/** Sentences about checkpoints. No DOM. */
import type { Durability, StartSource } from '../../protocol/stored.ts';
import { formatAge, formatBytes, formatPause } from '../ui/format.ts';

/** Words for the state line. */
export function durabilityText(durability: Durability | undefined, nowMs: number): string {
  if (!durability) return 'not saved';
  const { state, takenAtMs } = durability;
  const ago = takenAtMs === undefined ? undefined : `${formatAge(nowMs - takenAtMs)} ago`;
  switch (state) {
    case 'off':
      return ago ? `off since ${ago}` : 'off';
    case 'none':
      return 'not yet';
    case 'saved':
      return ago ?? 'yes';
    case 'failing':
      return ago ? `failing since ${ago}` : 'failing';
  }
}

/** Describes the fate of a guest without checkpoints. */
export function whatOffMeans(durability: Durability | undefined): string {
  const back =
    durability?.takenAtMs === undefined
      ? 'the guest is gone'
      : 'the guest comes back as it was at the last checkpoint, and what it did since is lost';
  return `When the browser or the computer ends, ${back}.`;
}

/** Details of the last checkpoint, for a tooltip. */
export function durabilityDetail(durability: Durability | undefined): string {
  const { state, writtenBytes, pauseMs, error } = durability ?? {};
  if (error) return error.message;
  if (state === 'off') return `Checkpoints are off. ${whatOffMeans(durability)}`;
  if (writtenBytes === undefined || pauseMs === undefined) return '';
  return `The last checkpoint wrote ${formatBytes(writtenBytes)}; the guest stood still for ${formatPause(pauseMs)}`;
}

/** Describes the guest's start, if this page did not boot it. */
export function startSourceText(startSource: StartSource | undefined): string | null {
  if (startSource?.kind === 'opened')
    return `opened from a state that was ${formatAge(startSource.openedAtMs - startSource.takenAtMs)} old`;
  if (startSource?.kind !== 'resumed') return null;
  return `resumed from a checkpoint of ${formatAge(startSource.resumedAtMs - startSource.takenAtMs)} before`;
}
