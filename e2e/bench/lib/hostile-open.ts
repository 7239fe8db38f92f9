/**
 * Measures the cost of opening the worst state files that are accepted without a question. The
 * guests' own RAM, disks, and files of the share do not count. The page that opens, its worker and
 * the keeper share a process.
 */
import type { Browser, Page } from '@playwright/test';
import { callMachine } from '../../../src/packages/playwright/call-machine.ts';
import type { Site } from '../../../src/packages/playwright/site.ts';
import { blockBytes } from '../../../src/protocol/disk-piece.ts';
import { stateLimits } from '../../../src/state-file/format/state-limits.ts';
import { ramMiB, waitForShown } from '../../support/hostile-pc.ts';
import { blob, type Forgery, forge, zeros } from '../../support/hostile-state.ts';
import { rendererGrowthMiB } from '../../support/renderer-memory.ts';
import { withSite } from './hostile-site.ts';

const blobsOfFrame = 1024;
/** Memory that is left for the contents of an honest state. */
const honestBytes = 16 << 20;
/** Bytes that need no approval. */
const unaskedBytes = stateLimits.unaskedBytes - honestBytes;

interface Worst {
  forgery: Forgery;
  /** Size of the guest's disks and files, which it has beside its memory. */
  ownBytes: number;
  /** Size of a CD that is part of the state. */
  cdBytes?: number;
}

function* small(stream: string, count: number, bytes: Uint8Array) {
  for (let from = 0; from < count; from += blobsOfFrame) {
    const length = Math.min(blobsOfFrame, count - from);
    yield Array.from({ length }, (_, at) => blob(stream, from + at, bytes));
  }
}

const blobCount = Math.floor(unaskedBytes / (blockBytes + stateLimits.blobOverheadBytes));
const fileBytes = unaskedBytes - (1 << 20);

const worst: Record<string, () => Worst> = {
  'a disk, by block': () => ({
    forgery: { blobs: small('pieces.disk.hda', blobCount, new Uint8Array(blockBytes)) },
    ownBytes: blobCount * blockBytes,
  }),
  'one file': () => ({
    forgery: { blobs: zeros('pieces.9p.files', fileBytes) },
    ownBytes: fileBytes,
  }),
  'empty files': () => ({
    forgery: { blobs: small('pieces.9p.files', blobCount, new Uint8Array()) },
    ownBytes: 0,
  }),
  'a CD': () => ({ forgery: {}, ownBytes: fileBytes, cdBytes: fileBytes }),
};

export function measureOpen(): Promise<{ openPeakMiB: number }> {
  return withSite(async (browser, site) => {
    let openPeakMiB = 0;
    for (const [what, make] of Object.entries(worst)) {
      const { forgery, ownBytes, cdBytes } = make();
      const honest = await exported(browser, site, cdBytes);
      const url = await site.put('worst.holdfast', await forge(honest, forgery));
      const peakMiB = (await grownMiB(browser, site, url)) - ramMiB - ownBytes / 2 ** 20;
      console.log(`${what}: ${peakMiB.toFixed(1)} MiB beyond the guest.`);
      openPeakMiB = Math.max(openPeakMiB, peakMiB);
    }
    return { openPeakMiB };
  });
}

/** Opens a page with a guest that writes to all of its RAM. */
async function openGuest(browser: Browser, site: Site): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(
    `${site.url}?guest=pattern-text&m=${ramMiB}&vram=8&hda.empty=1G&filesystem=1&durable=off`,
  );
  await waitForShown(page, 'pass 2');
  // A running guest would slow down the opening.
  await callMachine(page, (machine) => machine.pause(), undefined);
  return page;
}

async function exported(browser: Browser, site: Site, cdBytes: number | undefined) {
  const page = await openGuest(browser, site);
  const [runtime] = await site.runtimes();
  const text = await callMachine(
    page,
    async (machine, given) => {
      const { config } = machine.status ?? {};
      if (config && given.runtime && given.cdBytes !== undefined) {
        const cdrom = { bytes: new Uint8Array(given.cdBytes) };
        await machine.start({ ...config, cdrom }, given.runtime, { replace: true });
        await machine.console('serial0').waitFor(/pass 2/);
      }
      const bytes = new Uint8Array(await new Response(machine.exportState()).arrayBuffer());
      return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
    },
    { runtime, cdBytes },
  );
  await page.context().close();
  return Buffer.from(text, 'latin1');
}

async function grownMiB(browser: Browser, site: Site, url: string): Promise<number> {
  const page = await openGuest(browser, site);
  const [runtime] = await site.runtimes();
  const opened = callMachine(
    page,
    async (machine, given) => {
      // No `approve` is given, so an opening that needs approval fails.
      if (given.runtime)
        await machine.openState(given.url, { runtime: given.runtime, replace: true });
    },
    { url, runtime },
  );
  const grown = await rendererGrowthMiB(browser, opened);
  await page.context().close();
  return grown;
}
