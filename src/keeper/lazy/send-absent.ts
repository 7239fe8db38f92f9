import { HoldfastError } from '../../errors.ts';
import { joinBytes } from '../../protocol/join-bytes.ts';
import type { Supplies } from '../../protocol/page-supply.ts';
import type { PortSender } from '../../protocol/port-stream.ts';
import type { ExportItem } from '../../protocol/state-transfer.ts';
import type { StoredAbsent } from '../checkpoint/manifest.ts';
import { pagesOfBits } from './present-map.ts';

/**
 * Sends the pages that a checkpoint lacks to the writer of a state file. Guest RAM is the first range of
 * memory.
 * @throws HoldfastError `memory-unavailable`
 */
export async function sendAbsent(
  { reference, pages }: StoredAbsent,
  sender: PortSender<ExportItem>,
  supplies: Supplies | undefined,
): Promise<void> {
  const absent = new Set(pagesOfBits(pages));
  const supply = await supplies?.open(reference, sender.signal);
  if (!supply)
    throw new HoldfastError('part-unavailable', 'A part of this guest is at its server.');
  for (const { number, pages: inPack } of supply.packs) {
    if (!inPack.some((page) => absent.has(page))) continue;
    const found = (await supply.read(number)).filter(({ page }) => absent.has(page));
    const contents = joinBytes(found.map(({ bytes }) => bytes));
    const numbers = Uint32Array.from(found, ({ page }) => page);
    const item = { kind: 'pages', numbers, contents, uniform: new Uint32Array() } as const;
    await sender.send(item, [numbers.buffer, contents.buffer]);
  }
}
