/** The playground with a state server of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions } from '../../src/server/options.ts';
import { createStateServer } from '../../src/server/state-server.ts';
import { serveSite } from '../../tools/serve.mjs';

export interface ShareSite {
  url: string;
  /** The state server's folder. */
  folder: string;
}

export async function withShareSite(use: (site: ShareSite) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-share-'));
  const states = await createStateServer(readOptions([], {}, { folder }));
  const site = await serveSite({ root: 'dist', states });
  await use({ url: site.url, folder });
  await site.close();
  await rm(folder, { recursive: true, force: true });
}
