import { expect, test, vi } from 'vitest';
import type { UrlOptions } from '../address/page-options.ts';
import type { UrlMachine } from '../address/url-machine.ts';
import { linuxConfig, loadDescribed, loadGuest } from './guest.ts';

const base = 'https://x.test/some/path/';
const url = `${base}guests/linux/guest.json`;

test('files are found relative to guest.json and to the root of the site', () => {
  const config = linuxConfig(
    { name: 'Linux', bzimage: 'bzImage', initrd: 'initrd.lz4', cmdline: 'quiet', memoryMiB: 96 },
    url,
    base,
  );
  expect(config).toMatchObject({
    name: 'Linux',
    memoryMiB: 96,
    cmdline: 'quiet',
    bzImage: { url: `${base}guests/linux/bzImage` },
    initrd: { url: `${base}guests/linux/initrd.lz4` },
    bios: { url: `${base}firmware/seabios.bin` },
    vgaBios: { url: `${base}firmware/vgabios.bin` },
  });
});

test('a kernel alone is enough', () => {
  const config = linuxConfig({ bzimage: 'k' }, url, base);
  expect(config).not.toHaveProperty('initrd');
  expect(config.memoryMiB).toBe(128);
});

test.each([
  [null, 'does not name a kernel'],
  [{ bzimage: 7 }, '"bzimage" is not text'],
  [{ bzimage: 'k', memoryMiB: '128' }, '"memoryMiB" is not a number'],
])('%j is refused in words', (description, words) => {
  expect(() => linuxConfig(description, url, base)).toThrow(
    expect.objectContaining({ code: 'image-unavailable', message: expect.stringContaining(words) }),
  );
});

test('the pattern guests boot from a floppy, with the memory that was asked for', async () => {
  const { config } = await loadGuest('pattern-graphics', base, 32);
  expect(config).toMatchObject({
    memoryMiB: 32,
    network: 'none',
    fda: { url: `${base}guests/pattern/graphics.img` },
  });
});

test('a guest with changes is booted: its state at the prompt is of the guest as it is', async () => {
  const description = { bzimage: 'k', memoryMiB: 128, state: 'prompt.holdfast', cmdline: 'quiet' };
  vi.stubGlobal('fetch', async () => Response.json(description));
  const load = (change: Partial<UrlOptions>) =>
    loadDescribed({ guest: 'linux', hasGuest: false, ...change } as UrlOptions, base);
  expect((await load({})).promptState).toBe(`${base}guests/linux/prompt.holdfast`);
  expect(await load({ memoryMiB: 256 })).toEqual({
    config: expect.objectContaining({ memoryMiB: 256, cmdline: 'quiet' }),
  });
  const machine = { images: {}, settings: { cmdline: 'loud' } };
  expect(await load({ machine })).toEqual({ config: expect.objectContaining(machine.settings) });
  vi.unstubAllGlobals();
});

test('an empty disk is nothing to boot from', async () => {
  vi.stubGlobal('fetch', async () => Response.json({ name: 'Demo', bzimage: 'k' }));
  const load = (images: UrlMachine['images']) =>
    loadDescribed(
      { guest: 'linux', hasGuest: false, machine: { images, settings: {} } } as UrlOptions,
      base,
    );
  const hda = { emptyBytes: 512 };
  expect(await load({ hda })).toMatchObject({ config: { name: 'Demo', bzImage: {}, hda } });
  const { config } = await load({ hda, cdrom: { url: `${base}a.iso` } });
  expect(config).toMatchObject({ name: 'a.iso', hda });
  expect(config).not.toHaveProperty('bzImage');
  vi.unstubAllGlobals();
});
