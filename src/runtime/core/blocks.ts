/** Access to the RAM blocks that the keeper holds. */
import { HoldfastError } from '../../errors.ts';
import type { RamBlock, RuntimeHost } from '../../protocol/abi.ts';

/** Room for the addresses of 131,072 pages: more than any runtime's part has. */
const listBytes = 512 * 1024;

export function blockOf(host: RuntimeHost, name: string): RamBlock {
  const block = host.blocks.find((candidate) => candidate.name === name);
  if (!block)
    throw new HoldfastError('runtime-incompatible', `The keeper has no RAM block "${name}".`);
  return block;
}

/** A block with a list of page addresses, followed by the pages. */
export interface PageStore {
  list: number;
  pages: number;
}

export const pageStore = (block: RamBlock): PageStore => ({
  list: block.address,
  pages: block.address + listBytes,
});
