import { test } from '../../src/packages/playwright/index.ts';

test.use({
  guestOptions: {
    base: 'pc',
    machine: { memoryMiB: 32, fda: { path: 'public/guests/pattern/graphics.img' } },
    ready: async (guest) => {
      await guest.waitForSerial(/pass \d+/);
      await guest.waitForText(/never/, { timeout: 300 });
    },
  },
});

test('does not boot', async ({ guest }) => {
  await guest.pause();
});
