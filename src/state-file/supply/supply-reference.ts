import type { SupplyReference } from '../../protocol/page-supply.ts';
import type { HttpRanges } from '../sources/http-ranges.ts';
import type { StateFileReader } from '../state-file-reader.ts';

/** Returns a reference to a file that is open. */
export async function referenceTo(
  url: string,
  ranges: HttpRanges,
  reader: StateFileReader,
): Promise<SupplyReference> {
  const { sizeBytes, tag } = ranges.version;
  const begin = await ranges.read(0, reader.places.framesAt);
  const end = await reader.readIndexPart();
  return { url, sizeBytes, tag, digest: reader.digest, begin, end };
}
