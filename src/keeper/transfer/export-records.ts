/** Records of the checkpoint log as the items of a guest that leaves its keeper. */
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { BlobItem, DeviceStateItem, PagesItem } from '../../protocol/state-transfer.ts';
import type { Manifest } from '../checkpoint/manifest.ts';
import type { LogRecord, Piece } from '../checkpoint/record.ts';

/** Longer blobs are sent in parts. */
const partBytes = 1 << 20;

/** @param isNewest true if this page's copy in the record is the one that counts */
export function pagesItem(
  { pages, repeats, uniform }: LogRecord,
  isNewest: (page: number) => boolean,
): PagesItem | undefined {
  const contents = pages.filter(({ page }) => isNewest(page));
  for (const { page, like } of repeats) {
    const same = pages[like];
    if (same && isNewest(page)) contents.push({ page, contents: same.contents });
  }
  const words = uniform.filter(({ page }) => isNewest(page));
  if (contents.length + words.length === 0) return undefined;
  const bytes = new Uint8Array(contents.length * pageBytes);
  for (const [i, page] of contents.entries()) bytes.set(page.contents, i * pageBytes);
  return {
    kind: 'pages',
    numbers: Uint32Array.from(contents, ({ page }) => page),
    contents: bytes,
    uniform: Uint32Array.from(words.flatMap(({ page, word }) => [page, word])),
  };
}

export function* blobItems({ stream, index, bytes }: Piece): Generator<BlobItem> {
  if (!bytes) return;
  const totalBytes = bytes.length;
  let offsetBytes = 0;
  do {
    const part = bytes.slice(offsetBytes, offsetBytes + partBytes);
    // The receiver may transfer the part, which empties it here.
    const next = offsetBytes + part.length;
    yield { kind: 'blob', stream, index, bytes: part, totalBytes, offsetBytes };
    offsetBytes = next;
  } while (offsetBytes < totalBytes);
}

export function deviceStateItem({
  takenAtMs,
  vmstate,
  keeperState,
  consoles,
  pieces,
}: Manifest): DeviceStateItem {
  return {
    kind: 'cut',
    takenAtMs,
    vmstate: vmstate.slice(),
    keeperState: keeperState.slice(),
    consoles,
    pieces,
  };
}

/** Buffers that are transferred without a copy. */
export function buffersOf(item: PagesItem | BlobItem): Transferable[] {
  return item.kind === 'pages'
    ? [item.numbers.buffer, item.contents.buffer, item.uniform.buffer]
    : [item.bytes.buffer];
}
