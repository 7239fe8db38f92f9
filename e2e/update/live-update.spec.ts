import type { TappedWindow } from '../../src/packages/playwright/page-tap.ts';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import {
  expect,
  type Guest,
  inspectPattern,
  patternGuest,
  type Runtimes,
  test,
  waitForPasses,
} from '../support/test.ts';

const updates = 50;

test.describe('Linux', () => {
  test(`keeps shell, files, programs and clock over ${updates} live updates`, {
    tag: '@slow',
  }, async ({ guest, runtimes }) => {
    test.setTimeout(300_000);
    const blocks = () => guest.machine((machine) => machine.ramBlocks());
    const marker = () => guest.machine((machine) => machine.readMemory(0x6000, 4096));

    await guest.run('kept="a shell variable"; printf "1st\\n2nd\\n3rd\\n" >/tmp/file');
    await guest.run('exec 3</tmp/file; read -r line <&3');
    await guest.run('while :; do usleep 1000; i=$((i+1)); echo $i; done >>/tmp/loop & loop=$!');
    const before = await guest.run('cat /proc/sys/kernel/random/boot_id; wc -l </tmp/loop');
    // Linux leaves the first 64 KiB of RAM alone.
    await guest.machine((machine) => machine.writeMemory(0x6000, new Uint8Array(4096).fill(0xa7)));
    const placement = await blocks();
    const clock = await GuestClock.start(guest);
    const first = await clock.narrowOffset();

    let last: ClockOffset = first;
    for (let update = 0; update < updates; update++) {
      const report = await guest.liveUpdate(update % 2 ? runtimes.newer : runtimes.older);
      expect(report.runtimeId).toBe((update % 2 ? runtimes.newer : runtimes.older).id);
      const offset = await clock.offset();
      if (!isNarrow(offset)) {
        const description = `update ${update}: the clock is known to ${width(offset).toFixed()} ms only`;
        test.info().annotations.push({ type: 'inconclusive', description });
        continue;
      }
      expect(leastJumpMs(last, offset), `update ${update}`).toBeLessThan(30);
      last = offset;
    }
    // However busy the computer is: together the updates are looked at until there is an answer.
    last = await clock.narrowOffset();
    expect(leastJumpMs(first, last), 'all updates together').toBeLessThan(30);

    await clock.stop();
    expect((await guest.status()).restarts).toBe(updates);
    expect(await blocks()).toEqual(placement);
    expect(await marker()).toEqual(new Uint8Array(4096).fill(0xa7));
    expect((await guest.run('echo "$kept, $line"; cat <&3')).output).toBe(
      'a shell variable, 1st\n2nd\n3rd\n',
    );
    const after = await guest.run('cat /proc/sys/kernel/random/boot_id; wc -l </tmp/loop');
    const [bootId, linesBefore] = before.output.trim().split('\n');
    const [bootIdNow, linesNow] = after.output.trim().split('\n');
    expect(bootIdNow).toBe(bootId);
    expect(Number(linesNow)).toBeGreaterThan(Number(linesBefore));
    // The loop has counted without a gap.
    const loop = await guest.run('kill -0 $loop && kill $loop; awk "\\$1 != NR" /tmp/loop | wc -l');
    expect(loop.output.trim().split('\n').at(-1)).toBe('0');
  });
});

test.describe('the memory of a guest', () => {
  test.use(patternGuest);

  test(`is the same to the last dword after each of ${updates} live updates`, {
    tag: '@slow',
  }, async ({ guest, inPage, runtimes }) => {
    await expectUpdatesToKeepThePattern(guest, inPage, updates, runtimes);
  });
});

test.describe('the memory and the frame buffer of a graphical guest', () => {
  test.use({ ...patternGuest, guestQuery: '?guest=pattern-graphics&m=32' });

  test('are the same to the last dword after each of 12 live updates', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    await expectUpdatesToKeepThePattern(guest, inPage, 12, runtimes);
  });
});

/** Updates a running guest and a paused one in turn, between the two emulators. */
async function expectUpdatesToKeepThePattern(
  guest: Guest,
  inPage: string,
  count: number,
  runtimes: Runtimes,
): Promise<void> {
  let lastPass = 0;
  for (let update = 0; update < count; update++) {
    const to = update % 2 ? runtimes.newer : runtimes.older;
    // In fours, so that each runtime gets a running and a paused guest.
    const whilePaused = update % 4 >= 2;
    await waitForPasses(guest, 1);
    if (whilePaused) await guest.machine((machine) => machine.pause());
    const before = whilePaused && (await inspectPattern(guest, inPage));
    const { v86Version } = await guest.liveUpdate(to);
    expect(v86Version).toBe(to.v86Version);
    if (!whilePaused) await guest.machine((machine) => machine.pause());

    const after = await inspectPattern(guest, inPage);
    expect(after, `update ${update}`).toMatchObject({ ok: true });
    if (before) expect(after).toEqual(before);
    if (after.ok) {
      expect(after.pass).toBeGreaterThanOrEqual(lastPass);
      lastPass = after.pass;
    }
    await guest.machine((machine) => machine.resume());
  }
  await waitForPasses(guest);
  expect((await guest.status()).restarts).toBe(count);
}

test.describe('a paused guest', () => {
  test.use(patternGuest);

  test('stays paused over a live update and continues when it is resumed', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    await guest.machine((machine) => machine.pause());
    const before = await inspectPattern(guest, inPage);
    await guest.liveUpdate(runtimes.older);
    expect((await guest.status()).runstate).toBe('paused');
    await expect(playground(guest.page).state('runstate')).toHaveText(/paused/i);
    // Each look at the whole memory gives a guest that runs the time for several passes.
    for (let look = 0; look < 3; look++)
      expect(await inspectPattern(guest, inPage)).toEqual(before);
    await guest.machine((machine) => machine.resume());
    await waitForPasses(guest);
    expect((await guest.status()).runstate).toBe('running');
  });
});

/** Bounds of the guest's clock minus the host's, ms. */
interface ClockOffset {
  least: number;
  most: number;
}

const uptimeStepMs = 10;
/** A measurement that is wider says nothing of a jump. */
const narrowMs = 35;
const width = ({ least, most }: ClockOffset) => most - least;
const isNarrow = (offset: ClockOffset) => width(offset) <= narrowMs;

/**
 * How far the clock has jumped between two measurements, at least: what a busy computer makes of the
 * measurement is no jump. Between two narrow measurements a jump of 100 ms shows.
 */
function leastJumpMs(before: ClockOffset, after: ClockOffset): number {
  return Math.max(after.least - before.most, before.least - after.most);
}

/**
 * Reads the guest's clock: /proc/uptime, which the shell reads without starting a program, in steps
 * of 10 ms. The guest reads its clock at some moment between question and answer. So each answer
 * bounds the offset from both sides, and several answers bound it more tightly.
 */
class GuestClock {
  readonly #guest: Guest;

  private constructor(guest: Guest) {
    this.#guest = guest;
  }

  static async start(guest: Guest): Promise<GuestClock> {
    await guest.serial.write(
      'while read -r x && [ "$x" ]; do read -r up x </proc/uptime; echo "up $up"; done\n',
    );
    return new GuestClock(guest);
  }

  async stop(): Promise<void> {
    const from = await this.#guest.serial.end();
    await this.#guest.serial.write('\n');
    await this.#guest.waitForSerial(prompt, { from });
  }

  /** Measures until the answer is narrow; the test's own time is the limit. */
  narrowOffset(): Promise<ClockOffset> {
    return this.offset(Number.POSITIVE_INFINITY);
  }

  /** Wider than {@link isNarrow} where the computer was too busy for `longestMs`. */
  async offset(longestMs = 5000): Promise<ClockOffset> {
    const offset: ClockOffset = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };
    const until = Date.now() + longestMs;
    while (!isNarrow(offset) && Date.now() < until) {
      const { asked, answered, uptimeMs } = await this.#ask();
      offset.least = Math.max(offset.least, uptimeMs - answered);
      offset.most = Math.min(offset.most, uptimeMs + uptimeStepMs - asked);
    }
    return offset;
  }

  async #ask(): Promise<{ asked: number; answered: number; uptimeMs: number }> {
    const from = await this.#guest.serial.end();
    return this.#guest.machine(async (machine, start) => {
      const { holdfastTap } = window as unknown as TappedWindow;
      return new Promise<{ asked: number; answered: number; uptimeMs: number }>((resolve) => {
        const asked = performance.now();
        machine.consoleInput('serial0', 'x\n');
        holdfastTap.follow('serial0', () => {
          const found = /up ([\d.]+)\r\n/.exec(holdfastTap.read('serial0', start).text);
          const answered = performance.now();
          if (found) resolve({ asked, answered, uptimeMs: Number(found[1]) * 1000 });
          return found !== null;
        });
      });
    }, from);
  }
}
