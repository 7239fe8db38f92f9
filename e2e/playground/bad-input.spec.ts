import type { MachineConfig } from '../../src/index.ts';
import { shownPrompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import {
  expect,
  type Guest,
  openStandingGuest,
  type StandingGuest,
  test,
  waitForPasses,
} from '../support/test.ts';

test.describe('a start that fails leaves the guest that is there alone:', () => {
  let standing: StandingGuest;
  test.beforeAll(async ({ browser, siteRoot, inPageBundle }) => {
    standing = await openStandingGuest({ browser, siteRoot, inPageBundle });
  });
  test.afterAll(() => standing.close());

  /**
   * Tries to replace the guest by one with these changes, which may have the wrong type on purpose.
   */
  async function replaceBy(
    guest: Guest,
    runtime: { url: string },
    change: Record<string, unknown>,
  ): Promise<unknown> {
    return guest.machine(
      (machine, given) => {
        const config = { ...machine.status?.config, ...given.change } as MachineConfig;
        return machine.start(config, given.runtime as never, { replace: true });
      },
      { runtime, change },
    );
  }

  const linux = {
    bzImage: { url: 'guests/linux/bzImage' },
    initrd: { url: 'guests/linux/initrd.lz4' },
    memoryMiB: 128,
  };
  const cases: [what: string, change: Record<string, unknown>, code: string, message: RegExp][] = [
    ['8 MiB of RAM', { memoryMiB: 8 }, 'bad-config', /16 to 2047/],
    ['5000 MiB of RAM', { memoryMiB: 5000 }, 'bad-config', /16 to 2047/],
    ['RAM that is not a number', { memoryMiB: 'plenty' }, 'bad-config', /memoryMiB/],
    ['RAM that is NaN', { memoryMiB: Number.NaN }, 'bad-config', /memoryMiB/],
    ['half a MiB of RAM', { memoryMiB: 32.5 }, 'bad-config', /memoryMiB/],
    ['VGA memory of 3 MiB', { vgaMemoryMiB: 3 }, 'bad-config', /vgaMemoryMiB/],
    ['too little RAM for the initrd', { ...linux, memoryMiB: 64 }, 'bad-config', /64 MiB/],
    [
      'a kernel that is not there',
      { ...linux, bzImage: { url: 'missing/bzImage' } },
      'image-unavailable',
      /bzImage.*404/,
    ],
    [
      'a kernel from a server that does not answer',
      { ...linux, bzImage: { url: 'http://localhost:1/bzImage' } },
      'image-unavailable',
      /bzImage/,
    ],
    [
      'a kernel that is none',
      { ...linux, bzImage: { url: 'bad/noise' } },
      'image-unavailable',
      /not a Linux kernel/,
    ],
    [
      'a kernel that is cut off',
      { ...linux, bzImage: { url: 'bad/cut', sizeBytes: 5_000_000 } },
      'image-unavailable',
      /5000000/,
    ],
    ['a BIOS that is none', { bios: { url: 'bad/noise' } }, 'image-unavailable', /firmware/],
    ['an empty BIOS', { bios: { url: 'bad/empty' } }, 'image-unavailable', /empty/],
    ['an empty floppy', { fda: { url: 'bad/empty' } }, 'image-unavailable', /empty/],
  ];

  for (const [what, change, code, message] of cases) {
    test(what, async () => {
      const { guest, runtimes, site } = standing;
      await site.put(
        'bad/noise',
        Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31) >> 2),
      );
      await site.put('bad/cut', (await site.read('guests/linux/bzImage')).subarray(0, 100_000));
      await site.put('bad/empty', '');
      const before = await guest.status();
      const failed = replaceBy(guest, runtimes.newer, change);
      await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
      await waitForPasses(guest);
      expect(await guest.status()).toMatchObject({
        runstate: 'running',
        config: before.config,
        bootedAtMs: before.bootedAtMs,
      });
    });
  }

  test('a runtime that is not there', async () => {
    const { guest, runtimes, site } = standing;
    const runtime = { ...runtimes.newer, url: site.urlOf('missing/runtime.js') };
    await expect(replaceBy(guest, runtime, {})).rejects.toMatchObject({
      code: 'runtime-unavailable',
    });
    await waitForPasses(guest);
  });
});

test.describe('the page says what is wrong with', () => {
  for (const [query, words] of [
    ['?m=8', 'a whole number of MiB from 80 to 2047'],
    ['?m=5000', 'a whole number of MiB from 80 to 2047'],
    ['?m=plenty', 'a whole number of MiB from 80 to 2047'],
    ['?m=64', 'a whole number of MiB from 80 to 2047'],
    ['?guest=windows', 'linux, pattern-text or pattern-graphics'],
    ['?runtime=0.4.0', '0.5.462'],
  ] as const) {
    test(`the address ${query}`, async ({ page, site }) => {
      await page.goto(site.url + query);
      const message = page.getByRole('alert');
      await expect(message).toContainText(query);
      await expect(message).toContainText(words);
      // No machine was started.
      expect(site.requests).not.toContain('keeper.js');
    });
  }

  test('a misspelt option, and leads on', async ({ page, site }) => {
    await site.put('a.iso', new Uint8Array(1 << 20));
    await page.goto(`${site.url}?cdrm.url=a.iso&guest=linux&durable=off`);
    const message = page.getByRole('alert');
    await expect(message).toContainText('?cdrm.url=a.iso: there is no such option');
    await expect(message).toContainText('Did you mean “cdrom.url”?');
    expect(site.requests).not.toContain('keeper.js');
    await expect(page.getByRole('button', { name: 'Use ?cdrom.url' })).toBeVisible();
    await page.getByRole('button', { name: 'Start without it' }).click();
    await expect(page).toHaveURL(`${site.url}?guest=linux&durable=off`);
    await expect(playground(page).terminal).toContainText(shownPrompt);
  });

  test('an option that is like none, and starts', async ({ page, site }) => {
    await page.goto(`${site.url}?theme=dark&utm_source=x`);
    const notice = page.getByRole('status').filter({ hasText: '?theme' });
    await expect(notice.locator('bdi > code')).toHaveText('?theme');
    await expect(notice).toContainText('does not know');
    await expect(playground(page).terminal).toContainText(shownPrompt);
  });

  test('a file that is not there, which is no matter of the network', async ({ page, site }) => {
    await page.goto(`${site.url}?fda.url=missing.img`);
    const notice = page.getByRole('alert');
    await expect(notice).toContainText('missing.img cannot be used');
    await expect(notice).toContainText('the server answered 404: it has no such file');
    await expect(notice).not.toContainText('network');
  });

  test('firmware that is not a PC BIOS', async ({ page, site }) => {
    await site.put('ovmf.bin', new Uint8Array(4 << 20));
    await page.goto(`${site.url}?bios.url=ovmf.bin&boot=cold`);
    const notice = page.getByRole('alert');
    await expect(notice).toContainText('ovmf.bin is not a PC BIOS: it has 4096 KiB');
    await expect(notice).not.toContainText('network');
  });

  for (const [what, file, content] of [
    ['a kernel that is not there', 'guests/linux/bzImage', undefined],
    ['a kernel that is damaged', 'guests/linux/bzImage', new Uint8Array(100_000).fill(7)],
    ['a BIOS that is damaged', 'firmware/seabios.bin', new Uint8Array(131_072).fill(7)],
    ['a guest description that is damaged', 'guests/linux/guest.json', '{ "name": '],
  ] as const) {
    test(`${what}, and boots when it is mended`, async ({ page, site }) => {
      const good = await site.read(file);
      if (content === undefined) await site.remove(file);
      else await site.put(file, content);
      // A guest that is opened at its prompt needs none of them.
      await page.goto(`${site.url}?boot=cold`);
      const notice = page.getByRole('alert');
      await expect(notice).toContainText('A file the guest boots from could not be loaded');
      await expect(notice).toContainText(file.slice(file.lastIndexOf('/') + 1));

      await site.put(file, good);
      await notice.getByRole('button', { name: 'Try again' }).click();
      await expect(playground(page).terminal).toContainText(shownPrompt, { timeout: 60_000 });
      await expect(notice).toBeHidden();
    });
  }
});

test.describe('a browser that lacks', () => {
  for (const [what, words, take] of [
    ['WebAssembly', 'WebAssembly', () => Reflect.deleteProperty(window, 'WebAssembly')],
    [
      'shared memory',
      'WebAssembly threads',
      () => {
        const { Memory } = WebAssembly;
        WebAssembly.Memory = class extends Memory {
          constructor(descriptor: WebAssembly.MemoryDescriptor) {
            if (descriptor.shared) throw new TypeError('shared memory is not supported');
            super(descriptor);
          }
        };
      },
    ],
    [
      'SIMD',
      'WebAssembly SIMD',
      () => {
        const { validate } = WebAssembly;
        WebAssembly.validate = (bytes) =>
          !new Uint8Array(bytes as ArrayBuffer).includes(0xfd) && validate(bytes);
      },
    ],
    [
      'workers',
      'web workers',
      () => {
        Reflect.deleteProperty(window, 'Worker');
        Reflect.deleteProperty(window, 'SharedWorker');
      },
    ],
  ] as const) {
    test(`${what}: the page and the API report it`, async ({ page, site, inPage }) => {
      const errors: Error[] = [];
      page.on('pageerror', (error) => errors.push(error));
      await page.addInitScript(take);
      await page.goto(site.url);
      const message = page.getByRole('alert');
      await expect(message).toContainText('This browser cannot run the guest');
      await expect(message.getByRole('listitem').filter({ hasText: words })).toBeVisible();
      const code = await page.evaluate(
        async ([module, keeperUrl]) => {
          const { connect } = await import(module);
          return connect({ keeperUrl }).then(
            () => 'connected',
            (error: { code: string }) => error.code,
          );
        },
        [inPage, site.urlOf('keeper.js')] as const,
      );
      expect(code).toBe('unsupported-browser');
      expect(errors).toEqual([]);
    });
  }
});
