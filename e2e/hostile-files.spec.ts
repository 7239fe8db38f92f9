/**
 * Files that strangers made, by the ways by which people open them: nothing is asked for that nobody
 * has agreed to, and every end is a sentence, a question or a whole machine. More cases:
 * `npm run test:hostile -- --count 500 --seed 7`.
 */
import type { Page } from '@playwright/test';
import { randomSource } from '../src/cpr/mutate.ts';
import type { HoldfastWindow } from '../src/playwright/page-machine.ts';
import { blob, type Forgery, forge, zeros } from './hostile-state.ts';
import { Stranger } from './stranger.ts';
import { expect, Guest, patternGuest, Site, test, waitForPasses } from './test.ts';

const count = Number(process.env.HOLDFAST_HOSTILE_COUNT ?? 12);
const seed = Number(process.env.HOLDFAST_HOSTILE_SEED ?? 1);
test.describe.configure({ mode: 'serial', timeout: 120_000 + count * 10_000 });

let site: Site;
let stranger: Stranger;
let page: Page;
/** A whole state file of a small guest. */
let honest: Buffer;

test.beforeAll(async ({ browser, siteRoot }) => {
  stranger = await Stranger.listen();
  site = await Site.serve({ root: siteRoot });
  page = await (await browser.newContext()).newPage();
  const guest = await Guest.in(page, { site });
  await guest.open(`${site.url}${patternGuest.guestQuery}&durable=off`);
  await waitForPasses(guest, 1);
  const texts = await guest.machine(async (machine) => {
    const bytes = new Uint8Array(await new Response(machine.exportState()).arrayBuffer());
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  });
  honest = Buffer.from(texts, 'latin1');
});

test.afterAll(async () => {
  await page?.context().close();
  await site?.close();
  stranger?.close();
});

const approval = () => page.locator('#approval-dialog');
const notices = () => page.locator('#notices');

async function openByAddress(name: string, bytes: Uint8Array): Promise<void> {
  const url = await site.put(name, bytes);
  await page.goto(`${site.url}?durable=off&state=${encodeURIComponent(url)}`);
}

/** What became of the file, once something has. */
async function outcome(): Promise<string> {
  let found = '';
  await expect(async () => {
    found = await page.evaluate(() => {
      const dialog = document.querySelector<HTMLDialogElement>('#approval-dialog');
      if (dialog?.open) return `asked: ${dialog.innerText}`;
      const told = document.querySelector<HTMLElement>('#notices [role=alert]')?.innerText;
      if (told) return `told: ${told}`;
      const { holdfast } = window as { holdfast?: HoldfastWindow['holdfast'] };
      const runstate = holdfast?.machine?.status?.runstate;
      return runstate ? `opened: ${runstate}` : '';
    });
    expect(found).not.toBe('');
  }).toPass();
  return found;
}

const statusOf = (of: Page) =>
  of.evaluate(
    () => (window as { holdfast?: HoldfastWindow['holdfast'] }).holdfast?.machine?.status ?? null,
  );

const networks: [string, () => Record<string, unknown>, RegExp][] = [
  ['the web', () => ({ kind: 'fetch' }), /web servers that allow this page/],
  [
    'exact addresses of this site',
    () => ({ kind: 'fetch', corsProxy: `${site.url}account#` }),
    /through a proxy/,
  ],
  ['a hub', () => ({ kind: 'inbrowser', group: '0”. Nothing leaves this browser. “' }), /on a hub/],
  [
    'wisp of this site',
    () => ({ kind: 'wisp', url: `${site.url.replace('http', 'ws')}w/` }),
    /cloudflare-dns/,
  ],
  [
    'a relay elsewhere',
    () => ({ kind: 'wsproxy', url: stranger.url.replace('http', 'ws') }),
    /relay/,
  ],
];

test('[3] every network of a state is asked about, and nothing connects without a yes', async () => {
  for (const [what, networkBackend, shown] of networks) {
    const config = { network: 'ne2k', networkBackend: networkBackend() };
    await openByAddress('network.vmstate', await forge(honest, { config }));
    expect(await outcome(), what).toMatch(shown);
    const asked = site.requests.length;
    await approval().getByRole('button', { name: 'Cancel' }).click();
    await expect(notices(), what).toContainText('not approved');
    expect(await statusOf(page), what).toBeNull();
    // The page may fetch parts of its own build meanwhile.
    const others = site.requests.slice(asked).filter((path) => !path.startsWith('assets/'));
    expect(others, what).toEqual([]);
  }
  expect(stranger.requests).toEqual([]);
});

test('[3] disks, firmware and bases elsewhere are in one question, each with its address', async () => {
  const url = `${stranger.url}x`;
  const digest = `xxh64:${'0'.repeat(16)}`;
  for (const forgery of [
    { config: { bios: { url } } },
    { config: { cdrom: { url, load: 'range', sizeBytes: 4096 } } },
    { config: { hda: { url, load: 'parts', partBytes: 4096, sizeBytes: 8192 } } },
    { base: { url, digest } },
  ] satisfies Forgery[]) {
    await openByAddress('elsewhere.vmstate', await forge(honest, forgery));
    expect(await outcome()).toContain(url);
    await approval().getByRole('button', { name: 'Cancel' }).click();
    await expect(notices()).toContainText('not approved');
  }
  expect(stranger.requests).toEqual([]);
});

test('[15] what a file says cannot speak for the page, nor turn its text around', async () => {
  const title = 'Safe\u202e”. It reaches nothing.';
  await openByAddress(
    'title.vmstate',
    await forge(honest, { title, config: { networkBackend: { kind: 'fetch' } } }),
  );
  await outcome();
  await expect(approval().locator('bdi > code', { hasText: 'It reaches nothing' })).toHaveCount(1);
  expect(await approval().innerText()).not.toContain('\u202e');
  await approval().getByRole('button', { name: 'Cancel' }).click();
});

test('[5] [13] streams that the machine does not have are refused, and bombs are asked about', async () => {
  const forgeries: [string, Forgery['blobs']][] = [
    ['a stream of no device', [[blob('pieces.x', 0, new Uint8Array(9))]]],
    ['a path', [[blob('console.../../x', 0, new Uint8Array(9))]]],
    ['a disk that is not there', [[blob('pieces.disk.hdb', 0, new Uint8Array(4096))]]],
    ['a long chunk', [[blob('console.serial0', 0, new Uint8Array(9000))]]],
    [
      'a long scrollback',
      [
        Array.from({ length: 600 }, (_, index) =>
          blob('console.serial0', index, new Uint8Array(4096)),
        ),
      ],
    ],
  ];
  for (const [what, blobs = []] of forgeries) {
    await openByAddress('stream.vmstate', await forge(honest, { blobs }));
    expect(await outcome(), what).toContain('bad-state-file');
  }
  // A file of 600 MiB in the share, of which the first part is enough.
  const [first = []] = zeros('pieces.9p.files', 600 << 20);
  const config = { filesystem9p: true };
  await openByAddress('bomb.vmstate', await forge(honest, { config, blobs: [first] }));
  expect(await outcome()).toMatch(/unusually large[\s\S]*GiB/);
  await approval().getByRole('button', { name: 'Cancel' }).click();
  await expect(notices()).toContainText('not approved');
});

test('[4] a link asks before it fills the place of the visitor’s own machine', async ({
  browser,
}) => {
  // A visitor who was never here.
  await page.context().close();
  page = await (await browser.newContext()).newPage();
  const url = await site.put('default.vmstate', honest);
  await page.goto(`${site.url}?machine=default&durable=off&state=${encodeURIComponent(url)}`);
  expect(await outcome()).toContain('Make this your machine here?');
  await approval().getByRole('button', { name: 'Cancel' }).click();
  await expect(notices()).toContainText('left empty');
});

/** One of the ways to break a file, by chance. */
function broken(random: (below: number) => number): Buffer {
  const bytes = Buffer.from(honest);
  switch (random(4)) {
    case 0:
      return bytes.subarray(0, random(bytes.length));
    case 1:
      for (let flips = 1 + random(8); flips > 0; flips--)
        bytes.writeUInt8(random(256), random(bytes.length));
      return bytes;
    case 2: {
      const from = random(bytes.length);
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(random(bytes.length))]);
    }
    default:
      bytes.writeUInt32LE((random(2 ** 31) << 1) >>> 0, random(bytes.length - 4));
      return bytes;
  }
}

test(`damaged files end in a sentence, a question or a whole machine: ${count} from seed ${seed}`, async () => {
  const random = randomSource(seed);
  // The first numbers of a small seed are small.
  for (let warm = 0; warm < 16; warm++) random(2);
  for (let at = 0; at < count; at++) {
    const bytes = broken(random);
    const way = ['address', 'chosen', 'link', 'v86'][random(4)];
    const what = `case ${at} of seed ${seed}, by ${way}`;
    if (way === 'chosen') {
      await page.goto(`${site.url}?guest=pattern-text&m=16&durable=off`);
      await page.locator('#machine-menu-open').click();
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('menuitem', { name: 'Open state file…' }).click(),
      ]);
      await chooser.setFiles({ name: 'a.vmstate', mimeType: 'application/x', buffer: bytes });
      await expect(approval().or(notices().getByRole('alert')).first(), what).toBeVisible();
    } else if (way === 'link') {
      await page.goto(
        `${site.url}?durable=off#s=${bytes.subarray(0, 100_000).toString('base64url')}`,
      );
    } else {
      const magic = Buffer.from([0x76, 0x86, 0x76, 0x86]);
      await openByAddress('broken.vmstate', way === 'v86' ? Buffer.concat([magic, bytes]) : bytes);
    }
    expect(await outcome(), what).toMatch(/^(asked|told|opened): /);
    expect(await outcome(), what).not.toMatch(/Something is wrong in Holdfast itself|\(internal\)/);
  }
  expect(stranger.requests).toEqual([]);
});
