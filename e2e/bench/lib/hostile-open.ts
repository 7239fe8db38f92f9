/**
 * What opening the worst state file takes that is accepted without a question, beyond what the guest
 * that it brings has of its own: RAM, VGA memory, and what it wrote to its disk.
 */
import type { Page } from '@playwright/test';
import type { HoldfastWindow } from '../../../src/playwright/page-machine.ts';
import { Site } from '../../../src/playwright/site.ts';
import { blockBytes } from '../../../src/protocol/disk-piece.ts';
import { stateLimits } from '../../../src/share/limits.ts';
import { blob, forge } from '../../hostile-state.ts';
import { rendererGrowthMiB } from '../../renderer-memory.ts';
import { launchBrowser } from './browser.ts';

const ramMiB = 32;
const vgaMiB = 8;
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

/** A PC that looks for something to boot from, on an empty disk. */
async function openPc(page: Page, site: Site): Promise<void> {
  await page.goto(`${site.url}?hda.empty=1G&m=${ramMiB}&vram=${vgaMiB}&durable=off`);
  await page.waitForFunction(
    () =>
      (window as { holdfast?: HoldfastWindow['holdfast'] }).holdfast?.machine?.status?.runstate ===
      'running',
  );
}

export async function measureOpen(): Promise<{ openPeakMiB: number }> {
  const site = await Site.serve({ root: 'dist' });
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await openPc(page, site);
    const text = await page.evaluate(async () => {
      const { holdfast } = window as { holdfast?: HoldfastWindow['holdfast'] };
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
        const { holdfast } = window as { holdfast?: HoldfastWindow['holdfast'] };
        if (!holdfast?.machine || !by) throw new Error('There is no machine.');
        await holdfast.machine.openState(from, { runtime: by, replace: true });
      },
      [url, runtime] as const,
    );
    const grownMiB = await rendererGrowthMiB(browser, opened);
    const ownMiB = ramMiB + vgaMiB + (blockCount * blockBytes) / 2 ** 20;
    return { openPeakMiB: Math.max(0, grownMiB - ownMiB) };
  } finally {
    await browser.close();
    await site.close();
  }
}
