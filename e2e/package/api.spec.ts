/** Tests the whole API of the package from the tarball. */
import { join } from 'node:path';
import { publicCalls } from './public-api.ts';
import { expect, test } from './test.ts';

interface ApiWindow extends Window {
  run?: () => Promise<string[]>;
}
declare const window: ApiWindow;

/** Callbacks that browsers call. */
const ofTheDocument = /\.(attributeChanged|connected|disconnected)Callback$/;

test('every public call does what it says', { tag: '@slow' }, async ({ page, project, site }) => {
  await page.goto(site.urlOf('api.html'));
  await page.waitForFunction(() => window.run !== undefined);
  const called = new Set(await page.evaluate(() => window.run?.()));
  for (const [entry, least] of Object.entries({ index: 100, element: 6 })) {
    const types = join(project.package, `dist-lib/types/packages/browser/${entry}.d.ts`);
    const offered = (await publicCalls(types)).filter((call) => !ofTheDocument.test(call));
    // Declarations in another form would not be found.
    expect(offered.length).toBeGreaterThanOrEqual(least);
    const named = (call: string) => call.replace(/^GuestElement\./, 'HoldfastGuest.');
    expect(offered.filter((call) => !called.has(named(call)))).toEqual([]);
  }
});
