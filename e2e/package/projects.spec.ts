/** State files from the packed library, in every kind of project that a browser loads it in. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { createServer } from 'vite';
import type { HoldfastGuest } from '../../src/packages/browser/element.ts';
import { Site } from '../../src/packages/playwright/index.ts';
import { run } from './tarball.ts';
import { expect, test } from './test.ts';

interface ProjectWindow extends Window {
  carryOver?: () => Promise<string[]>;
  element?: HoldfastGuest;
}
declare const window: ProjectWindow;

/** The demo, opened at its prompt, and its state file, opened again. */
async function expectStates(page: Page): Promise<void> {
  await page.waitForFunction(() => window.carryOver !== undefined);
  const carried = await page.evaluate(() => window.carryOver?.());
  expect(carried).toEqual(['opened', 'A note', 'kept', 'Linux']);
}

test('states are written and opened in a build, under a path', async ({ page, project }) => {
  const site = await Site.serve({ root: project.dist, path: 'some/where' });
  try {
    await page.goto(site.urlOf('states.html'));
    await expectStates(page);
  } finally {
    await site.close();
  }
});

test("states are written and opened by Vite's development server", async ({ page, project }) => {
  const server = await createServer({
    root: project.root,
    logLevel: 'silent',
    server: { port: 0 },
  });
  try {
    await server.listen();
    const url = server.resolvedUrls?.local[0] ?? '';
    await page.goto(`${url}states.html`);
    await expectStates(page);
    // As in a project that names the kernel file itself.
    const kernel = await page.evaluate(async () => {
      const url: string = (await import('/kernel-url.js' as string)).default;
      return (await (await fetch(url)).arrayBuffer()).byteLength;
    });
    const file = join(project.package, 'dist-lib/assets/guests/linux/bzImage.bin');
    expect(kernel).toBe((await readFile(file)).length);
  } finally {
    await server.close();
  }
});

test('states are written and opened without a bundler, under a path', async ({ page, project }) => {
  const root = join(project.package, '..');
  const site = await Site.serve({ root, path: 'some/where' });
  try {
    await site.put('plain.html', '<!doctype html><script type="module" src="plain.js"></script>');
    await site.put(
      'plain.js',
      `import { collectBlob, createMachine, demoLinux, packageAssets } from './holdfast/dist-lib/index.js';
        const machine = await createMachine(demoLinux);
        const shell = async (code) => (await machine.execute(code)).stdout.trim();
        window.carryOver = async () => {
          const startSource = machine.status.startSource.kind;
          await shell('echo kept >/tmp/note');
          const file = await collectBlob(machine.exportState({ title: 'A note' }));
          await shell('rm /tmp/note');
          const [runtime] = packageAssets.runtimes;
          await machine.openState(file, { runtime, replace: true });
          return [startSource, 'A note', await shell('cat /tmp/note'), machine.status.config.name];
        };`,
    );
    await page.goto(site.urlOf('plain.html'));
    await expectStates(page);
  } finally {
    await site.close();
  }
});

test("states are written and opened under React's StrictMode, beside an element", async ({
  page,
  site,
}) => {
  await page.goto(site.urlOf('react.html'));
  await expectStates(page);
  const element = await page.evaluate(async () => {
    const { element } = window;
    const { stdout } = (await element?.machine?.execute('echo in the element')) ?? {};
    return [stdout, element?.className, element?.getAttribute('view')];
  });
  expect(element).toEqual(['in the element\n', 'guest', 'screen']);
});

test('server rendering imports every entry, and renders the element', async ({ project }) => {
  const script = `
    import { createElement } from 'react';
    import { renderToString } from 'react-dom/server';
    const names = ['holdfast', 'holdfast/element', 'holdfast/node', 'holdfast/vite'];
    for (const name of names) await import(name);
    const { HoldfastGuest } = await import('holdfast/element');
    console.log(typeof HoldfastGuest, typeof globalThis.document, typeof globalThis.customElements);
    console.log(renderToString(createElement('holdfast-guest', { demo: true, view: 'screen' })));`;
  const said = await run(process.execPath, ['--input-type=module', '-e', script], project.root);
  expect(said).toBe(
    'function undefined undefined\n<holdfast-guest demo="" view="screen"></holdfast-guest>\n',
  );
});
