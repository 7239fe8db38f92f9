/**
 * Builds the npm package into dist-lib/: `npx tsx tools/build-library.ts [--out DIR]`. `npm pack`
 * runs it before it packs.
 *
 * The package contains keeper, runtimes and firmware as files beside its modules. `assets.js`
 * names them with `new URL(…, import.meta.url)`, so that bundlers find and copy them.
 */
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build, type Plugin } from 'vite';
import { bin } from './setup.mjs';
import {
  buildSiteWorkers,
  bundle as bundleWorker,
  repositoryRoot,
  type SiteWorkers,
} from './site-workers.ts';
import { inlineZstd } from './vite-plugin-inline-zstd.ts';
import { manifestModule } from './vite-plugin-runtimes.ts';

const execFileAsync = promisify(execFile);
const { values } = parseArgs({ options: { out: { type: 'string' } } });
const out = resolve(values.out ?? join(repositoryRoot, 'dist-lib'));
const firmware = { bios: 'seabios.bin', vgaBios: 'vgabios.bin' } as const;

/** Kept as an import of the file that {@link writeAssets} writes. */
const assetsModule: Plugin = {
  name: 'holdfast-assets',
  resolveId: (id) =>
    id === 'virtual:holdfast-assets' ? { id: './assets.js', external: 'relative' } : undefined,
};

await rm(out, { recursive: true, force: true });
// Maps would be most of the package.
const workers = await buildSiteWorkers({ maps: false });
await Promise.all([
  writeAssets(workers),
  writeTypes(),
  bundle({ index: 'src/packages/browser/index.ts', element: 'src/packages/browser/element.ts' }),
]);
await bundleForNode({ playwright: 'src/packages/playwright/index.ts' });
await bundleForNode({
  node: 'src/packages/node/index.ts',
  vite: 'src/packages/node/vite.ts',
  'node-worker': 'src/packages/node/worker.ts',
});
await buildMachinePage(workers);

async function writeAssets({ files, manifest }: SiteWorkers): Promise<void> {
  const folder = join(out, 'assets');
  for (const [path, content] of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  const { code } = await bundleWorker('src/state-file/state-worker.ts', 'state-worker.js');
  await writeFile(
    join(folder, 'state-worker.js'),
    code.replace(/^\/\/# sourceMappingURL=.*$/m, ''),
  );
  for (const name of ['firmware', 'guests/linux'])
    await cp(join(repositoryRoot, 'public', name), join(folder, name), { recursive: true });
  const demo = await demoLinux(folder);

  const at = (path: string) =>
    `new URL(${JSON.stringify(`./assets/${path}`)}, import.meta.url).href`;
  const runtimes = manifest.runtimes.map(
    // Bundlers and their development servers rewrite scripts: only the wasm has a digest.
    ({ id, v86Version, url, wasmUrl, wasmSha256 }) =>
      `    { id: '${id}', v86Version: '${v86Version}', url: ${at(url)}, wasmUrl: ${at(wasmUrl)}, wasmSha256: '${wasmSha256}' },`,
  );
  const lines = [
    '// Each URL stands here as bundlers look for it.',
    'export const assets = {',
    `  keeperUrl: ${at(manifest.keeperUrl)},`,
    '  firmware: {',
    `    bios: ${at(`firmware/${firmware.bios}`)},`,
    `    vgaBios: ${at(`firmware/${firmware.vgaBios}`)},`,
    '  },',
    '  runtimes: [',
    ...runtimes,
    '  ],',
    '};',
    `export const stateWorkerUrl = ${at('state-worker.js')};`,
    'export const demo = {',
    '  options: {',
    `    name: ${JSON.stringify(demo.name)},`,
    `    bzImage: ${at(demo.bzImage)},`,
    `    initrd: ${at(demo.initrd)},`,
    `    cmdline: ${JSON.stringify(demo.cmdline)},`,
    `    memoryMiB: ${demo.memoryMiB},`,
    '  },',
    `  stateUrl: ${at(demo.state)},`,
    '};',
    '',
  ];
  await writeFile(join(out, 'assets.js'), lines.join('\n'));
}

async function bundle(entry: Record<string, string>): Promise<void> {
  await build({
    configFile: false,
    root: repositoryRoot,
    mode: 'production',
    logLevel: 'warn',
    publicDir: false,
    plugins: [assetsModule, inlineZstd()],
    build: {
      outDir: out,
      emptyOutDir: false,
      target: 'es2022',
      // The user's bundler minifies it; without a bundler it remains readable.
      minify: false,
      lib: { entry, formats: ['es'] },
      rolldownOptions: { output: { chunkFileNames: 'shared-[hash].js' } },
    },
  });
}

/** @param entries by the name of their module */
async function bundleForNode(entries: Record<string, string>): Promise<void> {
  await build({
    configFile: false,
    root: repositoryRoot,
    mode: 'production',
    logLevel: 'warn',
    publicDir: false,
    plugins: [assetsModule],
    ssr: { noExternal: true, external: ['@playwright/test'] },
    define: {
      __HOLDFAST_FILES__: JSON.stringify('./assets/'),
    },
    build: {
      ssr: true,
      outDir: out,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rolldownOptions: {
        input: entries,
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'node-[hash].js' },
      },
    },
  });
}

/**
 * Copies the demo guest as the `guest.json` beside the kernel describes it. A kernel without an
 * extension gets one: development servers (Vite's) treat files without one as scripts. Node and the
 * fixtures find it by either name.
 */
async function demoLinux(assets: string) {
  const folder = 'guests/linux';
  const path = join(assets, folder, 'guest.json');
  const { bzimage, initrd, state, ...rest } = JSON.parse(await readFile(path, 'utf8'));
  const kernel = join(assets, folder, bzimage);
  await rename(kernel, `${kernel}.bin`);
  return {
    ...(rest as { name: string; cmdline: string; memoryMiB: number }),
    bzImage: `${folder}/${bzimage}.bin`,
    initrd: `${folder}/${initrd}`,
    state: `${folder}/${state}`,
  };
}

/** Builds the page that the fixtures open, among the files that they serve. */
async function buildMachinePage({ manifest }: SiteWorkers): Promise<void> {
  await build({
    configFile: false,
    root: repositoryRoot,
    base: './',
    mode: 'production',
    logLevel: 'warn',
    publicDir: false,
    worker: { plugins: () => [inlineZstd()] },
    plugins: [
      inlineZstd(),
      {
        name: 'holdfast-build',
        resolveId: (id) => (id === 'virtual:holdfast-build' ? `\0${id}` : undefined),
        load: (id) => (id === '\0virtual:holdfast-build' ? manifestModule(manifest) : undefined),
      },
    ],
    build: {
      outDir: join(out, 'assets'),
      emptyOutDir: false,
      assetsDir: 'machine-page',
      target: 'es2022',
      rolldownOptions: { input: join(repositoryRoot, 'machine.html') },
    },
  });
}

/**
 * Writes the declarations of the entries' exports. They import each other under their final names:
 * `.js`.
 */
async function writeTypes(): Promise<void> {
  const types = join(out, 'types');
  const config = join(repositoryRoot, 'tsconfig.library.json');
  await execFileAsync(process.execPath, [
    bin('typescript/bin/tsc'),
    '-p',
    config,
    '--outDir',
    types,
  ]);
  await cp(
    join(repositoryRoot, 'src/packages/browser/jsx.d.ts'),
    join(types, 'packages/browser/jsx.d.ts'),
  );
  await appendFile(join(types, 'packages/browser/element.d.ts'), "import './jsx.ts';\n");
  const paths = await readdir(types, { recursive: true });
  for (const path of paths.filter((name) => name.endsWith('.d.ts'))) {
    const file = join(types, path);
    const text = await readFile(file, 'utf8');
    const ours = text.replace(/(from |import |import\()(['"]\.[^'"]*)\.ts(['"])/g, '$1$2.js$3');
    // The peer dependency that a project installs, not its inner package.
    await writeFile(file, ours.replaceAll('"playwright/test"', '"@playwright/test"'));
  }
}
