/** Returns the disks' reasons why a mode of CPR would be refused now. */
import type { Blocker, CprMode } from '../../protocol/cpr.ts';
import { readFile } from './file-read.ts';
import type { InFlight, Operation } from './in-flight.ts';
import type { Media, Medium } from './medium.ts';
import { ChangedError, fetchRange } from './range-fetch.ts';

export function diskBlockers(
  drives: { media: Media; inFlight: InFlight },
  mode: CprMode,
): Blocker[] {
  const media = Object.values(drives.media).filter((medium) => medium !== undefined);
  return [
    ...media.flatMap(changedBase),
    ...(mode === 'reboot' ? media.flatMap(notReopenable) : []),
    ...inFlight(drives.inFlight),
  ];
}

/** Reports a base that no longer matches, as found by the last check. */
function changedBase({ device, changed }: Medium): Blocker[] {
  return changed === undefined ? [] : [{ code: 'disk-changed', device, message: changed }];
}

/**
 * Reports a base that the loader of the state could not open again: it would need the same bytes.
 */
function notReopenable({ device, base, reopenable }: Medium): Blocker[] {
  if (reopenable) return [];
  const message = `${device} (${base}) was given to this machine by the page and cannot be opened again by itself. Use an image at a URL, or an empty disk.`;
  return [{ code: 'disk-not-reopenable', device, message }];
}

/** Reports writes in flight. Reads are repeated by the runtime that loads the guest. */
function inFlight({ operations }: InFlight): Blocker[] {
  return [...operations]
    .filter(({ isWrite }) => isWrite)
    .map((operation) => ({
      code: 'operation-in-flight',
      device: operation.device,
      message: inTheWay(operation),
    }));
}

export const inTheWay = ({ device }: Operation): string =>
  `The guest is in the middle of writing to ${device}, whose file or server does not answer. Try again later, or take the medium out.`;

/** Longest wait for a server's answer whether it still has the same file, ms. */
const checkMs = 3000;

/** Reads one byte of every external base. An unreachable base is not reported. */
export async function checkMedia({ media }: { media: Media }): Promise<void> {
  const limit = AbortSignal.timeout(checkMs);
  await Promise.all(
    Object.values(media).map(async (medium) => {
      try {
        if (medium.backing.kind === 'range') await fetchRange(medium.backing.file, 0, 1, limit);
        if (medium.backing.kind === 'file') await readFile(medium.backing.file, 0, 1);
      } catch (thrown) {
        const { message, cause } = thrown as Error;
        if (cause instanceof ChangedError) medium.changed = message;
      }
    }),
  );
}
