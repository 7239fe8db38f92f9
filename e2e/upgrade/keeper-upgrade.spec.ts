/** The running guest moves to a newer build of the keeper, and its pages follow. */
import type { Machine } from '../../src/client/types.ts';
import { prompt } from '../support/linux-guest.ts';
import { putOtherKeeper } from '../support/other-keeper.ts';
import { shownTerminal } from '../support/playground-view.ts';
import {
  expect,
  type Guest,
  inspectPattern,
  openGuest,
  patternGuest,
  test,
  waitForPasses,
} from '../support/test.ts';

const upgrades = 20;
const keeper = (guest: Guest) => guest.machine(({ keeper }) => keeper.build);
const upgrade = (guest: Guest) => guest.machine((machine) => machine.upgradeKeeper());

/** A guest that counts, a line for each number. */
const count = 'i=0; while :; do i=$((i+1)); echo "n $i"; usleep 2000; done\n';

function numbersIn(text: string): number[] {
  return [...text.matchAll(/^n (\d+)\r?$/gm)].map(([, number]) => Number(number));
}

type ReaderWindow = Window & { read: string };

/** Reads the console as a stream from now on. */
async function readConsole(machine: Machine): Promise<void> {
  const page = window as unknown as ReaderWindow;
  page.read = '';
  const console = machine.console();
  const decoder = new TextDecoder();
  void (async () => {
    for await (const bytes of console.readable({ from: console.end }))
      page.read += decoder.decode(bytes, { stream: true });
  })();
}

/** The guest's clock against the computer's, ms. The fastest of several answers is the most exact. */
const clockOffsetMs = (guest: Guest) =>
  guest.machine(async (machine) => {
    let [offsetMs, fastestMs] = [0, Number.POSITIVE_INFINITY];
    for (let attempt = 0; attempt < 8; attempt++) {
      const beganMs = performance.now();
      const { stdout } = await machine.execute('cut -d" " -f1 /proc/uptime');
      const tookMs = performance.now() - beganMs;
      if (tookMs >= fastestMs) continue;
      fastestMs = tookMs;
      offsetMs = Number(stdout) * 1000 - beganMs - tookMs / 2;
    }
    return offsetMs;
  });

test(`[KM3] [KM4] over ${upgrades} upgrades under a counting shell two terminals lose no byte and double none`, {
  tag: ['@slow', '@alone'],
}, async ({ guest, context, site }) => {
  test.setTimeout(300_000);
  const second = await openGuest(context, site.url);
  for (const each of [guest, second]) await each.machine(readConsole);
  await guest.serial.write(count);
  for (let number = 1; number <= upgrades; number++) {
    const from = await guest.serial.end();
    await guest.waitForSerial(/\nn (\d+)\r\n/, { from });
    const build = await putOtherKeeper(site, number);
    const report = await upgrade(number % 2 ? guest : second);
    expect(report?.to.name).toContain(`holdfast.${number}-`);
    for (const each of [guest, second]) await expect.poll(() => keeper(each)).toBe(build);
  }
  const from = await guest.serial.end();
  await second.serial.write('\x03');
  await guest.waitForSerial(prompt, { from });
  const written = numbersIn(await guest.serial.log());
  const total = written.at(-1) ?? 0;
  expect(total).toBeGreaterThan(upgrades);
  expect(written).toEqual(Array.from({ length: total }, (_, index) => index + 1));
  await expect.poll(async () => numbersIn(await second.serial.log())).toEqual(written);
  for (const each of [guest, second]) {
    await expect.poll(async () => numbersIn(await shownTerminal(each))).toEqual(written);
    // A stream that was opened before the first upgrade has each byte once.
    expect(
      numbersIn(await each.page.evaluate(() => (window as unknown as ReaderWindow).read)),
    ).toEqual(written);
  }
});

test(`the guest's clock does not jump by more than 100 ms in any of ${upgrades} upgrades @slow @alone`, async ({
  guest,
  site,
}) => {
  test.setTimeout(300_000);
  await guest.run('kept=here');
  let offsetMs = await clockOffsetMs(guest);
  for (let number = 1; number <= upgrades; number++) {
    await putOtherKeeper(site, number);
    await upgrade(guest);
    const nowMs = await clockOffsetMs(guest);
    // Time is the subject: 10 ms of it are the resolution of the guest's answer.
    expect(Math.abs(nowMs - offsetMs)).toBeLessThan(110);
    offsetMs = nowMs;
  }
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('two pages that upgrade at once move the guest once', async ({ guest, context, site }) => {
  const second = await openGuest(context, site.url);
  await guest.run('kept=here');
  const build = await putOtherKeeper(site, 1);
  const reports = await Promise.all([upgrade(guest), upgrade(second)]);
  const names = reports.map((report) => report?.to.name);
  expect(names[0]).toBeDefined();
  expect(names[1]).toBe(names[0]);
  expect([await keeper(guest), await keeper(second)]).toEqual([build, build]);
  expect((await second.run('echo $kept')).output).toBe('here\n');
  // Files, storage and the machine's lock went along.
  await guest.machine((machine) => machine.checkpoint());
  await guest.reloadPage();
  expect(await keeper(guest)).toBe(build);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('commands and files that reach the keeper during an upgrade are done once, in order', async ({
  guest,
  site,
}) => {
  await putOtherKeeper(site, 1);
  await guest.serial.write('cat >/tmp/typed\n');
  const typed = await guest.machine(async (machine) => {
    let isOver = false;
    const upgrading = machine.upgradeKeeper().finally(() => {
      isOver = true;
    });
    const sent: Promise<void>[] = [];
    for (let line = 0; !isOver || line < 200; line++) {
      sent.push(machine.consoleInput('serial0', `line ${line}\n`));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await Promise.all([upgrading, ...sent]);
    await machine.filesWrite('kept.txt', new TextEncoder().encode('on the share'));
    return sent.length;
  });
  await guest.waitForSerial(new RegExp(`line ${typed - 1}\\r\\n`));
  await guest.serial.write('\x04');
  const lines = (await guest.succeed('cat /tmp/typed')).trimEnd().split('\n');
  expect(lines).toEqual(Array.from({ length: typed }, (_, line) => `line ${line}`));
  const share = await guest.machine((machine) => machine.filesRead('kept.txt'));
  expect(Buffer.from(Object.values(share)).toString()).toBe('on the share');
});

test.describe('a guest that fills its memory', () => {
  test.use(patternGuest);

  test(`every page of its memory is right after each of ${upgrades} upgrades`, {
    tag: '@slow',
  }, async ({ guest, inPage, site }) => {
    test.setTimeout(300_000);
    for (let number = 1; number <= upgrades; number++) {
      const build = await putOtherKeeper(site, number);
      await upgrade(guest);
      expect(await keeper(guest)).toBe(build);
      await guest.machine((machine) => machine.pause());
      expect(await inspectPattern(guest, inPage)).toMatchObject({ ok: true });
      await guest.machine((machine) => machine.resume());
      await waitForPasses(guest);
    }
  });
});
