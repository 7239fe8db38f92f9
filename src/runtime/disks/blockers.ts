/** Reasons of the disks why a mode of CPR would be refused now. */
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

/** The base is no longer what the guest has been using, as far as anybody has looked. */
function changedBase({ device, changed }: Medium): Blocker[] {
  return changed === undefined ? [] : [{ code: 'disk-changed', device, message: changed }];
}

/** Whoever loads the state would have to be given the very same bytes again. */
function notReopenable({ device, base, reopenable }: Medium): Blocker[] {
  if (reopenable) return [];
  const message = `${device} (${base}) was given to this machine by the page and cannot be opened again by itself. Use an image at a URL, or an empty disk.`;
  return [{ code: 'disk-not-reopenable', device, message }];
}

/** Reads are asked again by whoever has the guest then. */
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

/** Longest wait for a server that is asked whether it still has the same file, ms. */
const checkMs = 3000;

/** Asks for a byte of every base that is elsewhere. One that cannot be reached says nothing. */
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
