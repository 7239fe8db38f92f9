/** Every sample of README, docs/ and the package's documentation, compiled strictly and run as it stands. */
import { cp, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createServer, loadConfigFromFile } from 'vite';
import type { HoldfastGuest } from '../../src/packages/browser/element.ts';
import { Site } from '../../src/packages/playwright/index.ts';
import { chromiumLaunchOptions } from '../../tools/browser.mjs';
import { loginCd } from './login-cd.ts';
import { compile } from './project.ts';
import { isForNode, isForPlaywright, isForVite, type Sample, samplesOf } from './samples.ts';
import { run } from './tarball.ts';
import { test as base, expect } from './test.ts';

interface Samples {
  folder: string;
  all: Sample[];
}

/** In the project, with the files that they name. */
const test = base.extend<object, { samples: Samples }>({
  samples: [
    async ({ project }, use) => {
      const folder = join(project.root, 'samples');
      const all = await samplesOf();
      const files: [string, string | Uint8Array][] = all.map((sample) => [
        `${sample.name}.${isForPlaywright(sample) ? 'spec.ts' : sample.language}`,
        sample.code,
      ]);
      files.push(['images/debian.iso', loginCd()], ['site/index.html', 'A page.']);
      files.push(['empty.html', '<!doctype html><title>Samples</title>']);
      for (const [path, content] of files) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
      }
      await mkdir(join(project.root, 'node_modules/@playwright'), { recursive: true });
      const playwright = 'node_modules/@playwright/test';
      await symlink(resolve(playwright), join(project.root, playwright));
      await use({ folder, all });
    },
    { scope: 'worker', timeout: 600_000 },
  ],
});

/** Compilers of projects. Samples for browsers need `dom`, the others also compile without it. */
const compilers = [
  { name: 'bundler', module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'] },
  { name: 'nodenext', module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023', 'dom'] },
  { name: 'node alone', module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023'] },
];

for (const { name, ...options } of compilers)
  test(`samples compile strictly: ${name}`, async ({ samples }) => {
    const isNode = !options.lib.includes('dom');
    const chosen = samples.all.filter(
      (sample) => sample.language !== 'html' && (!isNode || isForNode(sample)),
    );
    expect(chosen.length).toBeGreaterThan(1);
    const config = join(samples.folder, `tsconfig.${name.replace(' ', '-')}.json`);
    const compilerOptions = {
      ...options,
      ...{ target: 'es2023', strict: true, jsx: 'react-jsx', types: ['node'] },
      // Playwright's own declarations, and those of Node, need the libraries of their versions.
      skipLibCheck: true,
    };
    const files = chosen.map(
      (sample) => `${sample.name}.${isForPlaywright(sample) ? 'spec.ts' : sample.language}`,
    );
    await writeFile(config, JSON.stringify({ compilerOptions, files }));
    await compile(samples.folder, '-p', config);
  });

test('the package is typed for JSX of React, Preact and Solid, and without any of them', async ({
  project,
  samples,
}) => {
  const use = `
    import { type HoldfastGuest } from 'holdfast/element';
    export const good = <holdfast-guest demo memorymib={256} onready={({ detail }) => detail.execute('ls')} />;
    // @ts-expect-error: no such attribute
    export const bad = <holdfast-guest memory={256} />;
    declare const element: HoldfastGuest;
    element.addEventListener('status', ({ detail }) => detail.runstate satisfies string);
    element.addEventListener('error', ({ detail }) => detail.code satisfies string);
    element.addEventListener('click', ({ clientX }) => clientX satisfies number);
  `;
  const options = { ...compilers[0], strict: true, target: 'es2023', types: [] };
  for (const source of ['react', 'preact', 'solid-js']) {
    const folder = join(samples.folder, source);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'use.tsx'), use);
    const jsx = source === 'solid-js' ? 'preserve' : 'react-jsx';
    const { name: _, ...rest } = options;
    const compilerOptions = { ...rest, jsx, jsxImportSource: source };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['use.tsx'] }),
    );
    await compile(folder);
  }
  // A project without any of them compiles, too.
  const alone = await mkdtemp(join(tmpdir(), 'holdfast-alone-'));
  try {
    const installed = join(alone, 'node_modules/holdfast');
    await cp(join(project.package, 'dist-lib/types'), join(installed, 'dist-lib/types'), {
      recursive: true,
    });
    await cp(join(project.package, 'package.json'), join(installed, 'package.json'));
    await writeFile(join(alone, 'use.ts'), use.replace(/^.*(?:export const|ts-expect).*$/gm, ''));
    const { name: _, ...compilerOptions } = options;
    await writeFile(
      join(alone, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['use.ts'] }),
    );
    await compile(alone);
  } finally {
    await rm(alone, { recursive: true });
  }
});

test('images are typed as files by path in Node and in the fixtures, and nowhere else', async ({
  samples,
}) => {
  const use = `
    import type { MachineOptions } from 'holdfast';
    import type { NodeCreateOptions } from 'holdfast/node';
    import type { GuestOptions } from 'holdfast/playwright';
    const images = { hda: { path: 'disk.img' }, cdrom: { path: 'cd.iso' }, bzImage: { path: 'bzImage' } };
    images satisfies NodeCreateOptions;
    ({ machine: images }) satisfies GuestOptions;
    // @ts-expect-error: a page has no paths
    images satisfies MachineOptions;
    // @ts-expect-error: no path
    ({ machine: { bzImage: { path: 1 } } }) satisfies GuestOptions;
    // @ts-expect-error: no path
    ({ initrd: { path: 1 } }) satisfies NodeCreateOptions;
  `;
  const { name: _, ...options } = compilers[1] as (typeof compilers)[number];
  const folder = join(samples.folder, 'paths');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'use.ts'), use);
  const compilerOptions = {
    ...options,
    ...{ target: 'es2023', strict: true, types: ['node'], skipLibCheck: true },
  };
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['use.ts'] }),
  );
  await compile(folder);
});

test('samples for a page run', { tag: ['@slow', '@alone'] }, async ({ page, project, samples }) => {
  const server = await createServer({
    root: project.root,
    logLevel: 'silent',
    server: { port: 0 },
  });
  try {
    await server.listen();
    await page.goto(`${server.resolvedUrls?.local[0]}samples/empty.html`);
    const chosen = samples.all.filter(
      (sample) =>
        sample.language === 'ts' &&
        ![isForNode, isForPlaywright, isForVite].some((is) => is(sample)),
    );
    expect(chosen.map(({ name }) => name)).toContain('packages-browser-index-0');
    expect(chosen.length).toBeGreaterThan(3);
    for (const { name } of chosen)
      await test.step(name, () => page.evaluate((url) => import(url), `./${name}.ts`));
  } finally {
    await server.close();
  }
});

test('samples of the element run', async ({ page, project, samples }) => {
  // Each is a page in the folder of package.json, as their scripts' paths say.
  const site = await Site.serve({ root: project.root, secured: false });
  try {
    await site.put('images/debian.iso', loginCd());
    const chosen = samples.all.filter(({ language }) => language === 'html');
    expect(chosen.map(({ name }) => name)).toContain('readme-2');
    expect(chosen.length).toBeGreaterThan(2);
    for (const { name, code } of chosen)
      await test.step(name, async () => {
        await site.put(`${name}.html`, `<!doctype html><title>${name}</title>${code}`);
        await page.goto(site.urlOf(`${name}.html`));
        await page.waitForFunction(() => {
          const guest = document.querySelector('holdfast-guest') as HoldfastGuest | null;
          return guest?.machine?.status?.runstate === 'running';
        });
      });
    // The only sample with code of its own: its listener has run.
    await page.goto(site.urlOf('readme-2.html'));
    await expect(page).toHaveTitle('running');
  } finally {
    await site.close();
  }
});

test('samples for Node run', async ({ samples }) => {
  const chosen = samples.all.filter(isForNode);
  expect(chosen.length).toBeGreaterThan(1);
  for (const { name, code } of chosen) {
    await writeFile(join(samples.folder, `${name}.mjs`), code);
    expect(await run(process.execPath, [`${name}.mjs`], samples.folder)).toContain(
      'Linux holdfast',
    );
  }
  expect((await stat(join(samples.folder, 'guest.state'))).size).toBeGreaterThan(1 << 20);
});

test("the sample of Vite's configuration is one", async ({ samples }) => {
  const [sample] = samples.all.filter(isForVite);
  const command = { command: 'serve', mode: 'development' } as const;
  const loaded = await loadConfigFromFile(command, join(samples.folder, `${sample?.name}.ts`));
  expect(loaded?.config.plugins).toMatchObject([{ name: 'holdfast' }]);
});

test('the samples of the fixtures run', { tag: '@slow' }, async ({ samples }) => {
  const chosen = samples.all.filter(isForPlaywright);
  expect(chosen.length).toBeGreaterThan(1);
  test.setTimeout(240_000);
  const config = { use: { launchOptions: chromiumLaunchOptions() }, workers: 1, timeout: 60_000 };
  await writeFile(
    join(samples.folder, 'playwright.config.ts'),
    `export default ${JSON.stringify({ ...config, testMatch: '*.spec.ts', reporter: 'line' })};`,
  );
  const cli = resolve('node_modules/@playwright/test/cli.js');
  const { TEST_WORKER_INDEX: _, ...env } = process.env;
  const said = await run(process.execPath, [cli, 'test'], samples.folder, env);
  expect(said).toContain(`${chosen.length} passed`);
});
