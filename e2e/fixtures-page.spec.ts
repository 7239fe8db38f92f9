/** Fixtures with a page that is somebody else's: here the playground. */
import { expect, test } from 'holdfast/playwright';

const port = process.env.HOLDFAST_TEST_PORT;

test.use({
  guestOptions: {
    page: `http://localhost:${port}/?boot=cold&durable=off&machine=fixtures`,
    ready: /holdfast:~# /,
    prepare: async (guest) => {
      await guest.succeed('true');
    },
  },
});

for (const round of [1, 2]) {
  test(`a page of one's own has a golden guest too, round ${round}`, async ({ guest }) => {
    await expect(guest.page).toHaveTitle(/Holdfast/);
    await guest.fail('test -e /tmp/of-a-test-before');
    await guest.succeed('touch /tmp/of-a-test-before');
    await guest.reloadPage();
    await expect(guest).toSucceed('test -e /tmp/of-a-test-before');
  });
}
