/** The packed library in another project. */
import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HoldfastGuest } from '../../src/packages/browser/element.ts';
import type {
  CreateOptions,
  Machine,
  MachineOptions,
  packageAssets,
} from '../../src/packages/browser/index.ts';
import { Site } from '../../src/packages/playwright/index.ts';
import { expectTone, soundFloppy, tap } from '../support/sound-tap.ts';
import { expect, test } from './test.ts';

interface LibraryWindow {
  library: typeof import('../../src/packages/browser/index.ts');
}
interface ProjectWindow extends Window {
  machine?: Machine;
  runtimes: typeof packageAssets.runtimes;
}
declare const window: ProjectWindow;

test('ten lines boot a guest, which a reload finds again and a live update leaves running', async ({
  page,
  site,
}) => {
  await page.goto(site.url);
  await page.waitForFunction(() => window.machine !== undefined);
  const run = (line: string, pattern: string) =>
    page.evaluate(
      async ([text, source]) => {
        const console = (window.machine as Machine).console();
        const from = console.end;
        await console.write(`${text}\n`);
        return (await console.waitFor(new RegExp(source), { from }))[1];
      },
      [line, pattern] as const,
    );
  const note = await page.evaluate(async () =>
    new TextDecoder().decode(await (window.machine as Machine).filesRead('note')),
  );
  expect(note).toBe('text');
  expect(await run('colour=red; echo set $((6*7))', 'set (42)')).toBe('42');

  await page.reload();
  await page.waitForFunction(() => window.machine !== undefined);
  expect(await run('echo is-$colour', 'is-(\\w+)\\r')).toBe('red');

  const versions = await page.evaluate(async () => {
    const machine = window.machine as Machine;
    const before = machine.status?.v86Version;
    const [, older] = window.runtimes;
    if (!older) throw new Error('The package brings one runtime only.');
    const { v86Version } = await machine.restart({ runtime: older });
    return [before, v86Version];
  });
  expect(versions[0]).not.toBe(versions[1]);
  expect(await run('echo is-$colour', 'is-(\\w+)\\r')).toBe('red');
  expect(await page.evaluate(() => (window.machine as Machine).screenText())).toContain('holdfast');
});

test('a guest runs in plain Node, without a browser', { tag: '@slow' }, async ({ project }) => {
  test.setTimeout(300_000);
  const example = join(project.root, 'plain-node.test.mjs');
  await copyFile('e2e/examples/plain-node.mjs', example);
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', example], {
    cwd: project.root,
  }).catch((failed: { stdout: string }) => failed);
  expect(stdout).toMatch(/^# pass 7\n# fail 0$/m);
});

test('an element is a guest, with its screen, its terminal, and keys for a phone', async ({
  page,
  site,
}) => {
  await page.goto(site.urlOf('element.html'));
  await expect(page.locator('body.ready')).toBeAttached();
  const guest = page.locator('holdfast-guest');
  await expect(guest.locator('.state')).toHaveText('bzImage: running');
  const screenText = () =>
    guest.evaluate((node) => (node as HoldfastGuest).machine?.screenText() ?? '');
  await expect.poll(screenText, { timeout: 30_000 }).toMatch(/holdfast:~#/);

  // A click would capture the mouse, because this guest uses movements.
  await guest.locator('canvas').focus();
  await page.keyboard.type('echo on the screen');
  await page.keyboard.press('Enter');
  await expect.poll(screenText).toMatch(/^on the screen$/m);

  await page.setViewportSize({ width: 390, height: 844 });
  await guest.getByRole('tab', { name: 'Terminal' }).click();
  await guest.locator('.terminal textarea').focus();
  await page.keyboard.type('sleep 1000\n');
  const console = () =>
    guest.evaluate((node) => (node as HoldfastGuest).machine?.console().text() ?? '');
  await expect.poll(console).toMatch(/sleep 1000\r\n$/);
  await guest.getByRole('button', { name: 'ctrl-c' }).click();
  await expect.poll(console).toMatch(/\^C\s+holdfast:~# /);

  // The guest keeps running while the element is removed, and is the same one when the element is
  // back.
  await guest.evaluate((node) => {
    const parent = node.parentElement;
    node.remove();
    document.body.classList.remove('ready');
    parent?.append(node);
  });
  await expect(page.locator('body.ready')).toBeAttached();
  await expect.poll(screenText).toMatch(/^on the screen$/m);
});

test('an element with sound is heard, unless it is muted', async ({ page, site }) => {
  await site.put('sound.img', soundFloppy());
  await page.addInitScript(tap);
  await page.goto(site.urlOf('sound.html'));
  const guest = page.locator('holdfast-guest');
  await expect(page.locator('body.ready')).toBeAttached();
  await guest.evaluate(async (node) => {
    const console = (node as HoldfastGuest).machine?.console();
    await console?.waitFor(/R/);
    await console?.write('b');
    await console?.waitFor(/B/);
  });
  // Browsers allow sound after the first gesture on a page.
  await guest.locator('canvas').click();
  await expectTone(page, 1000);

  const mute = guest.getByRole('button', { name: 'Mute' });
  await mute.focus();
  await page.keyboard.press('Enter');
  await expect(guest).toHaveAttribute('muted');
  await expectTone(page, 0);
  await guest.evaluate((node) => node.removeAttribute('muted'));
  await expect(mute).toHaveAttribute('aria-pressed', 'false');
  await expectTone(page, 1000);
});

test('each option that is not acceptable is named before anything is fetched', async ({
  page,
  project,
}) => {
  const site = await Site.serve({ root: `${project.package}/dist-lib` });
  try {
    await site.put('empty.html', '<!doctype html><title>Empty</title>');
    await page.goto(site.urlOf('empty.html'));
    const code = await page.evaluate(async (url) => {
      // Loaded before the options are checked: the check may request nothing else.
      Object.assign(window, { library: await import(url) });
      return Object.keys((window as unknown as LibraryWindow).library);
    }, site.urlOf('index.js'));
    expect(code).toContain('createMachine');
    const before = [...site.requests];
    for (const [option, value] of Object.entries(unacceptable)) {
      const error = await page.evaluate(
        ([name, given]) =>
          (window as unknown as LibraryWindow).library
            .createMachine({ cdrom: 'debian.iso', [name]: given } as CreateOptions)
            .then(
              () => 'it was taken',
              (thrown: { code: string; message: string }) => `${thrown.code}: ${thrown.message}`,
            ),
        [option, value] as const,
      );
      expect(error).toMatch(new RegExp(`^bad-config: The option "${option}" may be .+; it is`));
    }
    expect(site.requests).toEqual(before);
  } finally {
    await site.close();
  }
});

/** For each option a value that it cannot have. */
const unacceptable: Record<keyof MachineOptions, unknown> = {
  name: 1,
  memoryMiB: 8,
  vgaMemoryMiB: 3,
  cpu: { cores: 2 },
  acpi: 'yes',
  bootOrder: ['usb'],
  bios: 1,
  vgaBios: {},
  bzImage: '',
  multiboot: null,
  initrd: 'initrd',
  cmdline: 'two\nlines',
  hda: { url: 'disk.img', load: 'lazily' },
  hdb: { emptyBytes: 100 },
  cdrom: { url: 'debian.iso', load: 'parts' },
  fda: [],
  fdb: { file: 'name' },
  filesystem9p: { index: 1 },
  serialPorts: 5,
  virtioConsole: 'no',
  network: 'e1000',
  networkBackend: { kind: 'wisp', url: 'http://host/' },
  mac: '00:22',
  durable: 1,
  suspendWhenHiddenMs: -1,
  limits: { shareMiB: 0 },
  onlyCprCapable: 0,
  sound: 'yes',
  keyboardLayout: 'klingon',
};

test('a script tag is enough, and a bad option is reported before anything is fetched', async ({
  page,
  project,
}) => {
  const site = await Site.serve({ root: `${project.package}/dist-lib` });
  try {
    await site.put(
      'bad.html',
      `<!doctype html><script type="module" src="element.js"></script>
      <holdfast-guest memorymib="8" cdrom="debian.iso"></holdfast-guest>`,
    );
    await page.goto(site.urlOf('bad.html'));
    const notice = page.locator('holdfast-guest .notice');
    await expect(notice).toHaveText(
      'The option "memoryMiB" may be a whole number of MiB from 16 to 2047; it is 8.',
    );
    expect(site.requests.filter((path) => /keeper|runtime|iso/.test(path))).toEqual([]);
    const detail = await page.locator('holdfast-guest').evaluate(
      (node) =>
        new Promise((resolve) => {
          node.addEventListener('error', (event) => {
            resolve((event as CustomEvent<{ code: string }>).detail.code);
          });
          (node as HoldfastGuest).start().catch(() => {});
        }),
    );
    expect(detail).toBe('bad-config');

    await site.put(
      'misspelt.html',
      `<!doctype html><script type="module" src="element.js"></script>
      <holdfast-guest cdrm="debian.iso" data-mine="1"></holdfast-guest>`,
    );
    await page.goto(site.urlOf('misspelt.html'));
    await expect(notice).toHaveText('There is no attribute "cdrm": did you mean "cdrom"?');
  } finally {
    await site.close();
  }
});
