import { createHash } from 'node:crypto';
import { playground } from '../support/playground-page.ts';
import { shownScreen, waitForShown } from '../support/playground-view.ts';
import {
  expect,
  type Guest,
  openGuest,
  patternGuest,
  test,
  waitForPasses,
} from '../support/test.ts';

test('the screen shows exactly what Linux prints on it', async ({ guest }) => {
  const lines = Array.from(
    { length: 20 },
    (_, index) => `${String(index).padStart(2, '0')} |${'x'.repeat(index * 3)}| ~!@#^&*()_+{}[]`,
  );
  const print = lines.map((line) => `echo '${line}'`).join('\n');
  await guest.run(`{ printf '\\033[2J\\033[H'\n${print}\n} >/dev/tty1`);
  await expect
    .poll(async () => (await shownScreen(guest)).trimEnd().split('\n'))
    .toEqual(lines.map((line) => line.trimEnd()));
});

test('a page that comes later gets the whole screen and the whole terminal at once', async ({
  guest,
  context,
  site,
}) => {
  await guest.run("printf '\\033[2J\\033[Hfirst line\\n\\nthird line' >/dev/tty1");
  await waitForShown(guest, /^third line$/m);
  // A paused guest draws nothing: the page shows what the keeper sent.
  await guest.machine((machine) => machine.pause());
  const second = await openGuest(context, site.url);
  await expect.poll(() => shownScreen(second)).toBe(await shownScreen(guest));
  expect(await second.serial.log()).toBe(await guest.serial.log());
});

test.describe('in graphics', () => {
  test.use({ ...patternGuest, guestQuery: '?guest=pattern-graphics&m=32' });

  const picture = async (guest: Guest) =>
    createHash('sha256')
      .update(
        await playground(guest.page).screen.evaluate((canvas: HTMLCanvasElement) =>
          canvas.toDataURL(),
        ),
      )
      .digest('hex');

  /** Returns pixels that differ from the guest's frame buffer. */
  const wrongPixels = (guest: Guest, inPage: string) =>
    guest.machine(async (machine, url) => {
      const head = new DataView((await machine.readMemory(0x8000, 40)).buffer);
      const canvas = document.querySelector('canvas') as HTMLCanvasElement;
      return (await import(url)).wrongPixels(machine, canvas, head.getUint32(16, true));
    }, inPage);

  test('the page follows what the guest draws, pixel by pixel', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    const canvas = playground(guest.page).screen;
    await expect(canvas).toHaveJSProperty('width', 1024);
    await expect(canvas).toHaveJSProperty('height', 768);
    expect(await shownScreen(guest)).toBe('');
    // A pass may end before its last frame is on the page: wait for the picture, not the pass.
    for (let look = 0; look < 3; look++) {
      const before = await picture(guest);
      await waitForPasses(guest);
      await expect.poll(() => picture(guest)).not.toBe(before);
    }

    await guest.machine((machine) => machine.pause());
    await expect.poll(() => wrongPixels(guest, inPage)).toBe(0);
    await guest.machine((machine) => machine.resume());
    await guest.liveUpdate(runtimes.older);
    const before = await picture(guest);
    await waitForPasses(guest);
    await expect.poll(() => picture(guest)).not.toBe(before);
    await guest.machine((machine) => machine.pause());
    await expect.poll(() => wrongPixels(guest, inPage)).toBe(0);
  });

  test('a page that comes later gets the whole picture at once, as does a reload', async ({
    guest,
    context,
    inPage,
    site,
  }) => {
    await guest.machine((machine) => machine.pause());
    const second = await openGuest(context, site.url);
    await expect.poll(() => wrongPixels(second, inPage)).toBe(0);
    await guest.reloadPage();
    await expect.poll(() => wrongPixels(guest, inPage)).toBe(0);
    expect(await picture(second)).toBe(await picture(guest));
  });
});
