/**
 * What opening the worst state file takes that is accepted without a question, beyond what the guest
 * that it brings has of its own: RAM, VGA memory, and what it wrote to its disk.
 */
import type { HoldfastWindow } from '../../../src/playwright/page-machine.ts';
import { blockBytes } from '../../../src/protocol/disk-piece.ts';
import { stateLimits } from '../../../src/share/limits.ts';
import { blob, forge } from '../../hostile-state.ts';
import { rendererGrowthMiB } from '../../renderer-memory.ts';
import { ramMiB, vgaMiB, withHostilePc } from './hostile-pc.ts';

const blocksOfFrame = 1024;

/** As many blocks of a disk as nobody is asked about. */
const blockCount = Math.floor(
  (stateLimits.unaskedBytes - (16 << 20)) / (blockBytes + stateLimits.blobOverheadBytes),
);

function* blocks() {
  const zeros = new Uint8Array(blockBytes);
  for (let from = 0; from < blockCount; from += blocksOfFrame) {
    const length = Math.min(blocksOfFrame, blockCount - from);
    yield Array.from({ length }, (_, at) => blob('pieces.disk.hda', from + at, zeros));
  }
}

export function measureOpen(): Promise<{ openPeakMiB: number }> {
  return withHostilePc(async ({ browser, site, page }) => {
    const text = await page.evaluate(async () => {
      const { holdfast } = window as HoldfastWindow & Window;
      if (!holdfast?.machine) throw new Error('There is no machine.');
      const bytes = new Uint8Array(
        await new Response(holdfast.machine.exportState()).arrayBuffer(),
      );
      return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
    });
    const bomb = await forge(Buffer.from(text, 'latin1'), { blobs: blocks() });
    console.log(`The file has ${bomb.length} bytes, ${blockCount} blocks of ${blockBytes} bytes.`);
    const url = await site.put('bomb.vmstate', bomb);
    const [runtime] = await site.runtimes();
    const opened = page.evaluate(
      async ([from, by]) => {
        const { holdfast } = window as HoldfastWindow & Window;
        if (!holdfast?.machine || !by) throw new Error('There is no machine.');
        // A guest that runs takes turns with the opening.
        await holdfast.machine.pause();
        // Nobody is asked: whatever needs a yes fails.
        await holdfast.machine.openState(from, { runtime: by, replace: true });
      },
      [url, runtime] as const,
    );
    const grownMiB = await rendererGrowthMiB(browser, opened);
    const ownMiB = ramMiB + vgaMiB + (blockCount * blockBytes) / 2 ** 20;
    console.log(
      `It grew by ${grownMiB.toFixed(1)} MiB, of which ${ownMiB.toFixed(1)} are the guest.`,
    );
    return { openPeakMiB: Math.max(0, grownMiB - ownMiB) };
  });
}
