import { expect, test } from '../support/test.ts';

test.use({ sitePath: 'some/where', siteSecured: false });

test('a static host without special headers runs it all under any path', async ({
  guest,
  page,
  runtimes,
  site,
}) => {
  expect(new URL(page.url()).pathname).toBe('/some/where/');
  const headers = (await (await page.request.get(site.url)).headersArray()).map(({ name }) =>
    name.toLowerCase(),
  );
  expect(
    headers.filter((name) => /^(cross-origin|content-sec|permissions-p|referrer-p)/.test(name)),
  ).toEqual([]);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);

  await guest.run('kept=here');
  await guest.reloadPage();
  await guest.liveUpdate(runtimes.older);
  await guest.reloadPage();
  expect((await guest.run('echo $kept')).output).toBe('here\n');
  expect((await guest.status()).restarts).toBe(1);
});
