import { expect, type Guest, test } from '../../src/packages/playwright/index.ts';

test.use({
  guestOptions: {
    prepare: async (guest) => {
      await guest.succeed('cat /proc/sys/kernel/random/boot_id >/tmp/boot');
    },
  },
});

const noteBoot = async (guest: Guest) => {
  const description = await guest.succeed('cat /tmp/boot');
  test.info().annotations.push({ type: 'boot', description });
};

test('fails', async ({ guest }) => {
  await noteBoot(guest);
  await guest.run('colour=red');
  expect(1).toBe(2);
});

test('follows on a test that failed', async ({ guest }) => {
  await noteBoot(guest);
  expect((await guest.run('echo "<$colour>"')).output).toBe('<>\n');
  await guest.run('colour=red');
  await guest.checkpoint();
  await guest.crashBrowser();
});

test('follows on a browser that was killed', async ({ guest }) => {
  await noteBoot(guest);
  expect((await guest.run('echo "<$colour>"')).output).toBe('<>\n');
});

test('waits too long', async ({ guest }) => {
  test.setTimeout(15_000);
  await guest.waitForSerial(/never/);
});
