/** Pages follow from one keeper to another. */
import type { Machine } from '../../src/client/types.ts';
import { putOtherKeeper } from '../support/other-keeper.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { expect, type Guest, openGuest, test } from '../support/test.ts';

const keeper = (guest: Guest) =>
  guest.machine(({ keeper }) => ({ id: keeper.instanceId, build: keeper.build }));

test('[KL1] [KL3] [KL6] [KM4] pages of a keeper without a machine follow to the newer keeper, and find it again', async ({
  guest,
  context,
  site,
}) => {
  const second = await openGuest(context, site.url);
  await guest.machine((machine) => machine.destroy());
  const before = await keeper(guest);
  const build = await putOtherKeeper(site, 1);
  const report = await guest.machine((machine) => machine.upgradeKeeper());
  expect(report?.to.name).toMatch(/^holdfast\.1-[0-9a-z]+$/);
  const after = await keeper(guest);
  expect(after).toMatchObject({ build });
  expect(after.id).not.toBe(before.id);
  await expect.poll(() => keeper(second)).toEqual(after);
  expect(await guest.machine((machine) => machine.upgradeKeeper())).toBeNull();

  const third = await context.newPage();
  await third.goto(site.url);
  const found = () =>
    third.evaluate(() => (window as PlaygroundWindow).holdfast?.machine?.keeper.instanceId);
  await expect.poll(found).toBe(after.id);
  await guest.reloadPage();
  expect(await keeper(guest)).toEqual(after);
});

test.describe('where the name of the script has a hash', () => {
  test.use({ siteSecured: false });

  test('[KL4] a page of a newer deployment finds the keeper of the former one, whose script is gone', async ({
    context,
    inPage,
    site,
  }) => {
    const script = String(await site.read('keeper.js'));
    const connectWith = async (keeper: string) => {
      const page = await context.newPage();
      await page.route('**/blank.html', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
      );
      await page.goto(`${site.url}blank.html`);
      const instance = await page.evaluate(
        async ([url, keeperUrl]) => {
          const { connect } = await import(url);
          const machine: Machine = await connect({ keeperUrl });
          Object.assign(window, { holdfast: { machine } });
          return machine.keeper.instanceId;
        },
        [inPage, keeper] as const,
      );
      return { page, instance };
    };
    const first = await connectWith(await site.put('keeper-1a2b.js', script));
    await site.remove('keeper-1a2b.js');
    const other = script.replace(/([`"'])[0-9a-f]{16}\1/, '$1ffffffffffffffff$1');
    const second = await connectWith(await site.put('keeper-3c4d.js', other));
    expect(second.instance).toBe(first.instance);

    const keeperOf = ({ page }: typeof first) =>
      page.evaluate(() => (window as PlaygroundWindow).holdfast?.machine?.keeper.build);
    await second.page.evaluate(() =>
      (window as PlaygroundWindow).holdfast?.machine?.upgradeKeeper(),
    );
    expect(await keeperOf(second)).toBe('ffffffffffffffff');
    await expect.poll(() => keeperOf(first)).toBe('ffffffffffffffff');
  });
});
