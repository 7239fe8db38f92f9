/** Suspended guests: what wakes them, and what they are after a cprSave. */
import { call, expectSavedRunstate, load, runstateOf, save } from '../support/cpr.ts';
import { expect, type Guest, patternGuest, test } from '../support/test.ts';

/**
 * Suspends the guest at the prompt. The shell queries the cursor position of the terminal at each
 * prompt. The answer is input, which would wake a suspended guest, so that this waits for it first.
 */
async function suspendAtPrompt(guest: Guest): Promise<void> {
  // At the end of the output: the terminal's answer to an older query would wake the guest.
  await guest.waitForSerial(/# .\[6n$/);
  // xterm.js processes its input in a separate task, which was queued before this one.
  await guest.page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  await call(guest, 'suspend');
}

test.describe('a suspended guest', () => {
  test('wakes of what is typed on its console, and executes it', async ({ guest }) => {
    await suspendAtPrompt(guest);
    expect(await runstateOf(guest)).toBe('suspended');
    await call(guest, 'resume');
    expect(await runstateOf(guest)).toBe('suspended');
    expect((await guest.run('echo awake')).output).toBe('awake\n');
    expect(await runstateOf(guest)).toBe('running');
  });

  test('that is paused is suspended again when it is resumed, through both modes', async ({
    guest,
  }) => {
    await guest.run('kept="a shell variable"');
    for (const mode of ['restart', 'reboot'] as const) {
      await suspendAtPrompt(guest);
      await call(guest, 'pause');
      const saved = await save(guest, { mode });
      await load(guest, saved);
      expect(await runstateOf(guest)).toBe('paused');
      await call(guest, 'resume');
      expect(await runstateOf(guest)).toBe('suspended');
      await call(guest, 'wakeup');
      expect((await guest.run('echo "$kept"')).output).toBe('a shell variable\n');
    }
  });
});

test.describe('a guest that no page shows', () => {
  test.use(patternGuest);

  test('is suspended after a while if it is to be, and wakes when its page is shown', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    const { config } = await guest.status();
    await guest.machine(
      (machine, [asked, runtime]) => machine.start(asked, runtime, { replace: true }),
      [{ ...config, suspendWhenHiddenMs: 200 }, runtimes.newer] as const,
    );
    const show = (state: DocumentVisibilityState) =>
      guest.page.evaluate((shown) => {
        Object.defineProperty(document, 'visibilityState', { value: shown, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    await show('hidden');
    await expect.poll(() => runstateOf(guest)).toBe('suspended');
    await show('visible');
    await expect.poll(() => runstateOf(guest)).toBe('running');
    await expectSavedRunstate(guest, inPage, 'running');
  });
});
