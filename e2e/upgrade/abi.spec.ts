/** Two builds whose ABIs differ: only the lookup and the migration stream are common to them. */
import { resolve } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import type { Machine } from '../../src/client/types.ts';
import type { RuntimeSource } from '../../src/index.ts';
import { bundleModule } from '../support/bundle.ts';
import { playground } from '../support/playground-page.ts';
import { expect, type Site, test } from '../support/test.ts';

const otherAbi = 2;

interface OtherBuild {
  /** URL of the page's part. */
  inPage: string;
  runtimes: RuntimeSource[];
}

/** Puts a build of another ABI at the site's address, beside the present pages. */
async function deployOtherAbi(site: Site, inPageBundle: string): Promise<OtherBuild> {
  await site.put('keeper.js', await bundleModule(resolve('workers/keeper.ts'), { abi: otherAbi }));
  const [newest] = await site.runtimes();
  if (!newest) throw new Error('The build ships no runtime.');
  const path = newest.url.slice(site.url.length);
  const script = String(await site.read(path)).replace(
    '{abiVersion:1,',
    `{abiVersion:${otherAbi},`,
  );
  const url = await site.put('other-runtime.js', script);
  return {
    inPage: await site.put('e2e/other-abi.js', inPageBundle),
    runtimes: [{ ...newest, id: 'other-abi', url }],
  };
}

type OtherWindow = Window & { machine?: Machine };

async function connectOther(
  context: BrowserContext,
  site: Site,
  { inPage, runtimes }: OtherBuild,
  upgrade: 'needed' | 'never',
): Promise<{ page: Page; code: string | undefined }> {
  const page = await context.newPage();
  await page.route('**/other.html', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  await page.goto(`${site.url}other.html`);
  const code = await page.evaluate(
    async ([url, keeperUrl, runtimes, upgrade]) => {
      const { connect } = await import(url);
      try {
        const machine = await connect({ keeperUrl, runtimes, upgrade });
        (window as OtherWindow).machine = machine;
        return undefined;
      } catch (thrown) {
        return (thrown as { code: string }).code;
      }
    },
    [inPage, site.urlOf('keeper.js'), runtimes, upgrade] as const,
  );
  return { page, code };
}

test.use({ siteSecured: false });

test('[KL5] [KL6] [KM5] a page of another ABI moves the guest; a page that cannot follow asks for a reload', async ({
  guest,
  context,
  site,
}) => {
  await guest.run('kept=here');
  const bundle = await bundleModule(resolve('e2e/support/in-page.ts'), { abi: otherAbi });
  const other = await deployOtherAbi(site, bundle);
  expect((await connectOther(context, site, other, 'never')).code).toBe('keeper-incompatible');
  expect((await guest.run('echo $kept')).output).toBe('here\n');

  const { page, code } = await connectOther(context, site, other, 'needed');
  expect(code).toBeUndefined();
  const seen = await page.evaluate(async () => {
    const { machine } = window as OtherWindow;
    const console = machine?.console();
    const from = console?.end ?? 0;
    await console?.write('echo "still $kept"\n');
    await console?.waitFor(/still here\r\n/, { from });
    return machine?.keeper.abiVersion;
  });
  expect(seen).toBe(otherAbi);
  await expect(playground(guest.page).notices).toContainText('moved to a newer version');
});
