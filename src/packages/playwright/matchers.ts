/** `expect(guest).toShowText(/login:/)` and others. */
import { expect as base, type ExpectMatcherState } from '@playwright/test';
import type { Guest } from './guest.ts';
import type { ScreenMask, StillScreenOptions } from './guest-screen.ts';
import { shownOutput } from './guest-shell.ts';
import type { SerialWaitOptions } from './serial-console.ts';
import { brief } from './step.ts';
import type { WaitOptions } from './wait-options.ts';

export interface MatchScreenOptions extends StillScreenOptions {
  /** Painted over before pictures are compared: areas in the guest's pixels, or text on the screen. */
  mask?: readonly ScreenMask[];
  /** The same as for Playwright's `toMatchSnapshot`. */
  threshold?: number;
  maxDiffPixels?: number;
  maxDiffPixelRatio?: number;
}

interface Result {
  pass: boolean;
  message: () => string;
}

export const expect = base.extend({
  /**
   * Waits until the guest's screen stands still. Compares it with the picture of this name beside the
   * test. `--update-snapshots` writes the picture.
   */
  async toMatchScreen(
    this: ExpectMatcherState,
    guest: Guest,
    name: string,
    { mask = [], stillFor, timeout, ...comparison }: MatchScreenOptions = {},
  ) {
    await guest.waitForStillScreen({
      ...(stillFor !== undefined && { stillFor }),
      ...(timeout !== undefined && { timeout }),
    });
    const picture = await guest.screenshot({ mask });
    const compare = this.isNot ? base(picture).not : base(picture);
    return settled(this.isNot, async () => compare.toMatchSnapshot(name, comparison));
  },

  /** Waits until the guest's text screen shows the text. With `not`, until it does not. */
  async toShowText(
    this: ExpectMatcherState,
    guest: Guest,
    pattern: RegExp,
    { timeout = this.timeout }: WaitOptions = {},
  ) {
    return settled(this.isNot, async () => {
      if (this.isNot) await guest.waitForNoText(pattern, { timeout });
      else await guest.waitForText(pattern, { timeout });
    });
  },

  /** Waits until the first serial port has printed the text. With `not`, checks the output so far. */
  async toHaveSaid(
    this: ExpectMatcherState,
    guest: Guest,
    pattern: RegExp,
    { timeout = this.timeout, from = 0 }: SerialWaitOptions = {},
  ) {
    if (!this.isNot)
      return settled(
        false,
        async () => void (await guest.waitForSerial(pattern, { timeout, from })),
      );
    const output = await guest.serial.log(from);
    return {
      pass: pattern.test(output),
      message: () => `The guest has printed ${pattern}:\n${output}`,
    };
  },

  /** Runs shell code in the guest, and expects status 0. */
  async toSucceed(
    this: ExpectMatcherState,
    guest: Guest,
    code: string,
    { timeout }: WaitOptions = {},
  ) {
    const result = await guest.execute(code, timeout === undefined ? {} : { timeout });
    const { exitCode } = result;
    return {
      pass: exitCode === 0,
      message: () => `"${brief(code, 200)}" ended with status ${exitCode}.\n${shownOutput(result)}`,
    };
  },
});

/** Converts a check that throws to a matcher's result. */
async function settled(isNot: boolean, check: () => Promise<unknown>): Promise<Result> {
  try {
    await check();
    return { pass: !isNot, message: () => '' };
  } catch (error) {
    return { pass: isNot, message: () => (error instanceof Error ? error.message : String(error)) };
  }
}
