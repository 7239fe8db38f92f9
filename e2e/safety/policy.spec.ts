/** Tests what the strict content security policy must allow, and what it must block. */
import type { Page } from '@playwright/test';
import { Stranger } from '../support/stranger.ts';
import { expect, test } from '../support/test.ts';

/** Colours and height as computed: a blocked style leaves the page's own. */
function terminalStyles(page: Page) {
  return page
    .locator('.xterm-rows')
    .first()
    .evaluate((rows) => {
      const find = (text: string) =>
        [...rows.querySelectorAll('span')].findLast(({ textContent }) => textContent === text);
      const colorOf = (text: string) => {
        const found = find(text);
        return found && getComputedStyle(found).color;
      };
      const [first, second] = [...rows.children].map((row) => row.getBoundingClientRect());
      return {
        palette: colorOf('PALETTE'),
        direct: colorOf('DIRECT'),
        isStacked: first !== undefined && second !== undefined && first.bottom <= second.top + 1,
        space: getComputedStyle(rows).whiteSpace,
      };
    });
}

test("[D6] the terminal is drawn under style-src 'self', in 256 and in 16 million colours", async ({
  guest,
  page,
  site,
}) => {
  const { headers } = await fetch(site.url);
  expect(headers.get('content-security-policy')).toContain("style-src 'self';");
  await guest.run("printf '\\033[38;5;196mPALETTE\\033[m \\033[38;2;1;2;3mDIRECT\\033[m\\n'");
  await expect
    .poll(() => terminalStyles(page))
    .toEqual({
      palette: 'rgb(255, 0, 0)',
      direct: 'rgb(1, 2, 3)',
      isStacked: true,
      space: expect.stringContaining('pre'),
    });

  await test.step('the cursor blinks, and no animation asks for frames', async () => {
    await page.locator('.xterm-helper-textarea').focus();
    const cursor = page.locator('.xterm-cursor-blink');
    const isOn = () =>
      cursor.evaluate((cell) => getComputedStyle(cell).backgroundColor !== 'rgba(0, 0, 0, 0)');
    for (const state of [false, true]) await expect.poll(isOn, { intervals: [50] }).toBe(state);
    const playing = await page.evaluate(() =>
      document.getAnimations().filter(({ playState }) => playState === 'running'),
    );
    expect(playing).toEqual([]);
  });

  await test.step('script text is not HTML, and no script or worker comes from elsewhere', async () => {
    const stranger = await Stranger.listen();
    const refused = await page.evaluate(async (elsewhere) => {
      const problems: string[] = [];
      const attempt = (name: string, run: () => unknown) => {
        try {
          run();
          problems.push(`${name} was allowed`);
        } catch {}
      };
      attempt('innerHTML', () => {
        document.createElement('div').innerHTML = '<img src=x onerror=alert(1)>';
      });
      attempt('a worker by text', () => new Worker('keeper.js'));
      const attemptLater = (name: string, run: () => Promise<unknown>) =>
        run().then(
          () => problems.push(`${name} was allowed`),
          () => {},
        );
      await attemptLater('a script of another origin', () => import(elsewhere));
      await attemptLater('a script in an address', () => import('data:text/javascript,0' as never));
      // As a script that already runs could do: only worker-src remains.
      const { trustedTypes } = window as never as {
        trustedTypes: {
          createPolicy(name: string, rules: object): { createScriptURL: typeof String };
        };
      };
      const all = trustedTypes.createPolicy('holdfast', { createScriptURL: String });
      const opened = (url: string) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(all.createScriptURL(url));
          worker.onmessage = resolve;
          worker.onerror = reject;
        });
      const text = 'postMessage(1)';
      await attemptLater('a worker of a blob', () => opened(URL.createObjectURL(new Blob([text]))));
      await attemptLater('a worker in an address', () => opened(`data:text/javascript,${text}`));
      return problems;
    }, `${stranger.url}script.js`);
    expect(refused).toEqual([]);
    await expect.poll(() => site.violations.length).toBe(6);
    site.violations.length = 0;
    expect(stranger.requests).toEqual([]);
    stranger.close();
  });
});

test.describe('on a host without headers', () => {
  test.use({ siteSecured: false });

  test("the page's own meta element holds the policy", async ({ page, site }) => {
    await page.goto(`${site.url}machine.html`);
    const blocked = await page.evaluate(
      () =>
        new Promise((resolve) => {
          document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
            resolve(effectiveDirective),
          );
          const script = document.createElement('script');
          script.append("document.title = 'owned'");
          document.head.append(script);
        }),
    );
    expect(blocked).toMatch(/^script-src|^require-trusted/);
    expect(await page.title()).toBe('A guest');
    expect((await fetch(site.url)).headers.get('content-security-policy')).toBeNull();
  });
});
