import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type Rolldown } from 'vite';
import { sourceHash } from './source-hash.mjs';
import { v86Packages } from './v86-versions.ts';
import { inlineZstd } from './vite-plugin-inline-zstd.ts';

const execFileAsync = promisify(execFile);
const toolsDir = dirname(fileURLToPath(import.meta.url));
export const repositoryRoot = dirname(toolsDir);
const cacheDir = join(repositoryRoot, 'node_modules/.cache/holdfast');

/** One entry of the build manifest, see src/build.d.ts. */
export interface RuntimeBuild {
  id: string;
  v86Version: string;
  url: string;
  wasmUrl: string;
  wasmBytes: number;
  sha256: string;
  wasmSha256: string;
}

export interface BuildManifest {
  buildId: string;
  keeperUrl: string;
  keeperBuild: string;
  runtimes: RuntimeBuild[];
}

export interface SiteWorkers {
  manifest: BuildManifest;
  /** Contents by path relative to the site's root. */
  files: Map<string, string | Uint8Array>;
}

interface SiteWorkersOptions {
  /** Makes another build of the same sources: changes the build id and every runtime's id. */
  tag?: string | undefined;
  /** Packages to ship instead of tools/v86-versions.ts, newest first. */
  packages?: readonly string[] | undefined;
  /** Whether scripts have source maps beside them. Default true. */
  maps?: boolean;
}

/** Bundles the keeper and one runtime per v86 version. */
export async function buildSiteWorkers(options: SiteWorkersOptions = {}): Promise<SiteWorkers> {
  const { tag = '', packages = v86Packages, maps = true } = options;
  const [keeper, supply, ...built] = await Promise.all([
    buildKeeper(maps),
    bundle('workers/page-supply.ts', 'page-supply.js'),
    ...packages.map((name) => buildRuntime(name, tag, maps)),
  ]);
  const runtimes = built.map(({ runtime }) => runtime);
  const sources = sourceHash(repositoryRoot);
  const { keeperBuild } = keeper;
  const buildId = sha256([sources, tag, keeperBuild, ...runtimes.map(({ id }) => id)].join());
  const manifest = {
    buildId: buildId.slice(0, 8),
    keeperUrl: 'keeper.js',
    keeperBuild,
    runtimes,
  };

  const files: SiteWorkers['files'] = new Map();
  files.set('keeper.js', keeper.code);
  // Beside the keeper, which loads it for a guest that runs before its memory has arrived.
  files.set('page-supply.js', maps ? supply.code : withoutMap(supply.code));
  if (maps) {
    files.set('keeper.js.map', keeper.map);
    files.set('page-supply.js.map', supply.map);
  }
  for (const { runtime, code, map, wasm } of built) {
    const folder = `runtimes/${runtime.id}`;
    const { id, v86Version, sha256, wasmSha256, wasmBytes } = runtime;
    files
      .set(`${folder}/runtime.js`, code)
      .set(`${folder}/v86.wasm`, wasm)
      .set(`${folder}/runtime.json`, toJson({ id, v86Version, sha256, wasmSha256, wasmBytes }));
    if (maps) files.set(`${folder}/runtime.js.map`, map);
  }
  // For a page that checks for a newer build, and for `npm start`, which checks if this build is
  // stale.
  files.set('build.json', toJson({ ...manifest, sourceHash: sources }));
  return { manifest, files };
}

/** Text that the keeper's id replaces, of the same length: src/keeper/upgrade/keeper-build.ts. */
const keeperBuildText = '__KEEPER_BUILD__';

async function buildKeeper(maps: boolean) {
  const { code, map } = await bundle('workers/keeper.ts', 'keeper.js');
  const keeperBuild = sha256(withoutMap(code)).slice(0, keeperBuildText.length);
  return {
    keeperBuild,
    code: (maps ? code : withoutMap(code)).replace(keeperBuildText, keeperBuild),
    map,
  };
}

async function buildRuntime(packageName: string, tag: string, maps: boolean) {
  const packageDir = join(repositoryRoot, 'node_modules', packageName);
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as {
    version: string;
  };
  // v86 publishes "0.5.462+g5f9a90f"; the commit adds nothing to the version.
  const v86Version = version.replace(/\+.*/, '');
  const [{ code: mapped, map }, wasm] = await Promise.all([
    bundle('workers/runtime.ts', 'runtime.js', {
      alias: { 'v86-package': join(packageDir, 'build/libv86.mjs') },
      define: {
        __V86_VERSION__: JSON.stringify(v86Version),
        // If workers exist, v86 starts one from a `blob:` URL for timers. The policy forbids that
        // URL, and the run loop here does not use these timers.
        Worker: 'undefined',
      },
      banner: tag && `/*! build ${tag.replaceAll('*/', '')} */`,
    }),
    transformWasm(join(packageDir, 'build/v86.wasm')),
  ]);
  const id = `${v86Version}-${sha256(mapped, wasm).slice(0, 8)}`;
  const code = maps ? mapped : withoutMap(mapped);
  const runtime: RuntimeBuild = {
    id,
    v86Version,
    url: `runtimes/${id}/runtime.js`,
    wasmUrl: `runtimes/${id}/v86.wasm`,
    wasmBytes: wasm.byteLength,
    sha256: sha256(code),
    wasmSha256: sha256(wasm),
  };
  return { runtime, code, map, wasm };
}

/**
 * Bundles an entry point into one ES module without imports. Names are kept, so that a stack trace from a
 * user's guest is readable. Dead code is removed.
 */
export async function bundle(
  entry: string,
  fileName: string,
  {
    alias = {},
    define = {},
    banner = '',
  }: { alias?: Record<string, string>; define?: Record<string, string>; banner?: string } = {},
): Promise<{ code: string; map: string }> {
  const result = await build({
    configFile: false,
    root: repositoryRoot,
    mode: 'production',
    logLevel: 'warn',
    publicDir: false,
    plugins: [inlineZstd()],
    resolve: { alias },
    define,
    build: {
      write: false,
      target: 'es2022',
      minify: false,
      sourcemap: true,
      lib: { entry: join(repositoryRoot, entry), formats: ['es'], fileName: () => fileName },
      rolldownOptions: {
        // libv86 imports these in branches that only run in Node; in a browser they have no effect.
        external: [/^node:/, ...builtinModules],
        output: {
          codeSplitting: false,
          banner,
          minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
        },
      },
    },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  const [chunk, ...others] = output;
  const imports = [...chunk.imports, ...others.filter(({ type }) => type === 'chunk')];
  if (imports.length > 0) {
    throw new Error(`${entry} must bundle into a file without imports, it has ${imports.length}`);
  }
  const map = others.find(({ fileName: name }) => name === `${fileName}.map`);
  return { code: chunk.code, map: map?.type === 'asset' ? String(map.source) : '' };
}

/**
 * Runs tools/wasm/transform.ts over v86.wasm. It takes seconds, so that its result is cached. The
 * cache key is the hash of its input, of tools/wasm, and of the lock file, which names Binaryen's
 * version.
 */
async function transformWasm(path: string): Promise<Uint8Array> {
  const transform = sourceHash(repositoryRoot, ['tools/wasm', 'package-lock.json']);
  const key = sha256(await readFile(path), transform).slice(0, 32);
  const cached = join(cacheDir, `v86-${key}.wasm`);
  if (!existsSync(cached)) {
    await mkdir(cacheDir, { recursive: true });
    // Renamed at the end, so that a parallel build never reads half a file.
    const unfinished = `${cached}.${randomUUID()}`;
    await execFileAsync(process.execPath, [join(toolsDir, 'transform-wasm.mjs'), path, unfinished]);
    await rename(unfinished, cached);
  }
  return readFile(cached);
}

const withoutMap = (code: string) => code.replace(/^\/\/# sourceMappingURL=.*$/m, '');

function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
