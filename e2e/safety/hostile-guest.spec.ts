/**
 * A malicious guest (tools/guests/hostile) in a real browser. Its keeper stays within the budget of
 * SECURITY.md. A machine beside it is not affected. Every attempt ends in a typed state.
 *
 * src/runtime/hostile-guest.test.ts tests its devices, with each v86.
 */
import { diskBytes, floodBudgetMiB, HostilePc, hub, waitForShown } from '../support/hostile-pc.ts';
import { playground } from '../support/playground-page.ts';
import { rendererGrowthMiB } from '../support/renderer-memory.ts';
import {
  expect,
  Guest,
  inspectPattern,
  patternGuest,
  Site,
  test,
  waitForPasses,
} from '../support/test.ts';

test.describe.configure({ mode: 'serial', timeout: 300_000 });

/** With the page that reads nothing. */
const pageCount = 10;

let site: Site;
let hostile: HostilePc;
let beside: Guest;

let inPage: string;

test.beforeAll(async ({ browser, siteRoot, inPageBundle }) => {
  test.setTimeout(300_000);
  site = await Site.serve({ root: siteRoot });
  inPage = await site.put('e2e/in-page.js', inPageBundle);
  hostile = await HostilePc.boot(browser, site);
  // A visitor's own machine.
  beside = await Guest.in(await hostile.context.newPage());
  await beside.open(`${site.url}${patternGuest.guestQuery}&machine=beside&durable=off`);
  await waitForPasses(beside, 1);
});

test.afterAll(async () => {
  await hostile?.close();
  await site?.close();
});

const status = () => hostile.machine((machine) => machine.status, undefined);

/**
 * Sends requests to the other machine until `work` has ended. @returns the number of its answers
 */
async function askBeside(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  let answers = 0;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await beside.machine((machine) => machine.readMemory(0x8000, 40));
    answers++;
  }
  await done;
  return answers;
}

/** It keeps running, and every dword of its memory is unchanged. */
async function expectBesideWell(): Promise<void> {
  await waitForPasses(beside, 1);
  await beside.machine((machine) => machine.pause());
  expect(await inspectPattern(beside, inPage)).toMatchObject({ ok: true });
  await beside.machine((machine) => machine.resume());
}

test('[6] [11] [12] floods and malformed messages, with ten pages of which one reads nothing, stay within the budget', {
  tag: '@slow',
}, async ({ browser }) => {
  const { page: deaf, dialog } = await hostile.attachDeaf();
  for (let pages = 2; pages < pageCount; pages++) await hostile.attach();
  expect((await status())?.pages).toBe(pageCount);
  const frames = await hostile.page.evaluateHandle((name) => {
    const lengths: number[] = [];
    const channel = new BroadcastChannel(`v86-inbrowser-${name}`);
    channel.onmessage = ({ data }: MessageEvent<Uint8Array>) => lengths.push(data.length);
    return lengths;
  }, hub);
  const flood = (async () => {
    for (const letter of ['p', 'v', 'n', 'c']) await hostile.attempt(letter);
    await hostile.floodScreen(4);
  })();
  const asked = askBeside(flood);
  const grownMiB = await rendererGrowthMiB(browser, asked, hostile.keeper);
  console.log(`The keeper grew by ${grownMiB.toFixed(1)} MiB; beside it ${await asked} answers.`);
  if (process.platform === 'linux') {
    expect(hostile.keeper).toHaveLength(1);
    expect(grownMiB).toBeLessThanOrEqual(floodBudgetMiB(pageCount));
  }
  expect(await asked).toBeGreaterThan(0);
  const lengths = await frames.jsonValue();
  expect(lengths.length).toBeGreaterThan(100);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(9216);
  expect(await status()).toMatchObject({ runstate: 'running', pages: pageCount });
  // A page that reads again shows the present screen.
  await dialog.dismiss();
  await waitForShown(deaf, 's done');
});

test('[7] an agent that answers what is no answer fails the command, not who asked', {
  tag: '@slow',
}, async () => {
  await hostile.begin('a');
  const asked = hostile.machine((machine) => machine.execute('true'), undefined);
  await expect(asked).rejects.toMatchObject({ code: 'guest-failed' });
  await hostile.end('a');
  expect(await status()).toMatchObject({ runstate: 'running' });
});

test('[6] a disk of 64 GiB is not kept for the asking: the guest is paused and told of', {
  tag: '@slow',
}, async () => {
  const limits = { diskMiB: 32 };
  await hostile.restart({ limits });
  await hostile.begin('d');
  const notices = playground(hostile.page).notices;
  const told = async () =>
    Number(/has written (\d+) MiB to its disks/.exec(await notices.innerText())?.[1] ?? 0);
  await expect.poll(told).toBeGreaterThanOrEqual(limits.diskMiB);
  await expect.poll(status).toMatchObject({ runstate: 'paused' });
  const before = await told();
  // The guest is paused at the end of the turn in which it exceeded the limit.
  expect(before).toBeLessThan(2 * limits.diskMiB);
  await hostile.machine((machine) => machine.resume(), undefined);
  await expect.poll(told).toBeGreaterThan(before);
  await expect.poll(status).toMatchObject({ runstate: 'paused' });
  const [disk] = await hostile.machine((machine) => machine.infoBlock(), undefined);
  expect(disk).toMatchObject({ device: 'hda', medium: { sizeBytes: diskBytes } });
});

test('[6] DMA beyond its memory ends the guest with a reason, and its keeper takes the next one', {
  tag: '@slow',
}, async () => {
  await hostile.restart({});
  await hostile.begin('x');
  await expect.poll(status).toMatchObject({ runstate: 'internal-error' });
  expect((await status())?.crash).toContain('RangeError');
  await hostile.restart({});
  expect(await status()).toMatchObject({ runstate: 'running' });
  await expectBesideWell();
});
