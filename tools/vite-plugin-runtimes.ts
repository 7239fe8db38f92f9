import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { sep } from 'node:path';
import { lookup } from 'mrmime';
import type { Plugin, Rolldown, ViteDevServer } from 'vite';
import { headersFile, withPolicy } from './page-policy.ts';
import { bundlePreloadScript, type PreloadedPromptState, withHead } from './preload-script.ts';
import {
  type BuildManifest,
  buildSiteWorkers,
  repositoryRoot,
  type SiteWorkers,
} from './site-workers.ts';

const virtualId = 'virtual:holdfast-build';
const resolvedId = `\0${virtualId}`;
/** Sources whose changes rebuild the keeper and the runtimes of a development server. */
const workerSources = ['src/runtime', 'src/keeper', 'src/protocol', 'src/vmstate', 'src/errors.ts'];
const watched = [...workerSources, 'workers', 'tools/wasm'].map((path) =>
  `${repositoryRoot}/${path}`.replaceAll('/', sep),
);

/**
 * Puts `keeper.js`, `runtimes/<id>/` and `build.json` beside the page, at the same paths in
 * development and in a build. `virtual:holdfast-build` names them for the page. The script that
 * starts the keeper early (src/playground/start/preload.ts) goes into the page's head. A build also
 * gets the security policy: as `<meta>` in each page, and as headers in `_headers`.
 *
 * Two environment variables make other builds of the same sources, for tests of live updates:
 * `HOLDFAST_BUILD_TAG` (any text) and `HOLDFAST_V86_PACKAGES` (comma-separated package names).
 */
export function runtimes(): Plugin {
  let workers: Promise<SiteWorkers>;
  let preload = { fileName: 'preload.js', source: '' };
  const rebuild = () => {
    workers = buildSiteWorkers({
      tag: process.env.HOLDFAST_BUILD_TAG,
      packages: process.env.HOLDFAST_V86_PACKAGES?.split(','),
    });
    // The next `await` reports the failure; without this handler Node would end the dev server.
    workers.catch(() => {});
    return workers;
  };

  return {
    name: 'holdfast-runtimes',

    async buildStart() {
      await rebuild();
    },

    resolveId(id) {
      return id === virtualId ? resolvedId : undefined;
    },

    async load(id) {
      if (id !== resolvedId) return undefined;
      const { manifest } = await workers;
      return manifestModule(manifest);
    },

    generateBundle: {
      // After Vite has made the pages, and with them the preload script.
      order: 'post',
      handler: async function () {
        const { files } = await workers;
        for (const [fileName, source] of files) this.emitFile({ type: 'asset', fileName, source });
        this.emitFile({ type: 'asset', ...preload });
        this.emitFile({ type: 'asset', fileName: '_headers', source: headersFile() });
      },
    },

    transformIndexHtml: {
      order: 'post',
      handler: async (html, { bundle, path }) => {
        // A development server puts scripts and styles into the page, so that it has no policy.
        const page = bundle ? withPolicy(html) : html;
        // The fixtures decide when their page starts.
        if (path !== '/index.html') return page;
        const { manifest } = await workers;
        const source = await bundlePreloadScript(manifest, await promptState(bundle));
        const hash = createHash('sha256').update(source).digest('hex').slice(0, 8);
        preload = { fileName: bundle ? `assets/preload-${hash}.js` : 'preload.js', source };
        const modules = chunksOf(bundle, 'src/playground/app.ts');
        return withHead(page, { script: preload.fileName, modules });
      },
    },

    configureServer(server) {
      serve(
        server,
        async () => new Map([...(await workers).files, [preload.fileName, preload.source]]),
        rebuild,
      );
    },
  };
}

/** Returns the output files of a module of the page and of its imports; empty in development. */
export function chunksOf(bundle: Rolldown.OutputBundle | undefined, module: string): string[] {
  const files = bundle ?? {};
  const entry = Object.values(files).find(
    (file) => file.type === 'chunk' && file.facadeModuleId?.endsWith(module),
  );
  const found = new Set(entry && [entry.fileName]);
  // A set that grows during the loop is walked to its end.
  for (const name of found) {
    const file = files[name];
    if (file?.type === 'chunk') for (const imported of file.imports) found.add(imported);
  }
  return [...found];
}

/** Returns the state that preload.ts may open, and the worker for it; undefined in development. */
async function promptState(
  bundle: Rolldown.OutputBundle | undefined,
): Promise<PreloadedPromptState | undefined> {
  const workerUrl = Object.keys(bundle ?? {}).find((file) =>
    /(^|\/)state-worker-[^/]*\.js$/.test(file),
  );
  const folder = 'guests/linux';
  const text = await readFile(`${repositoryRoot}/public/${folder}/guest.json`, 'utf8');
  const { state, memoryMiB } = JSON.parse(text) as { state?: string; memoryMiB?: number };
  if (!workerUrl || !state || !memoryMiB) return undefined;
  return { url: `${folder}/${state}`, memoryMiB, workerUrl };
}

/** Returns the source of `virtual:holdfast-build`. */
export function manifestModule(manifest: BuildManifest): string {
  return Object.entries(manifest)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
    .join('\n');
}

function serve(
  server: ViteDevServer,
  current: () => Promise<SiteWorkers['files']>,
  rebuild: () => Promise<SiteWorkers>,
): void {
  // Runtimes of earlier rebuilds stay reachable, as on a site that keeps its old files.
  const served: SiteWorkers['files'] = new Map();

  server.middlewares.use(async (request, response, next) => {
    const path = (request.url ?? '/').replace(/[?#].*/, '').slice(1);
    try {
      for (const [name, content] of await current()) served.set(name, content);
    } catch (error) {
      next(error);
      return;
    }
    const content = served.get(path);
    if (content === undefined) {
      next();
      return;
    }
    response.setHeader('Content-Type', lookup(path) ?? 'application/octet-stream');
    response.setHeader('Cache-Control', 'no-cache');
    response.end(content);
  });

  let timer: NodeJS.Timeout | undefined;
  server.watcher.add(watched);
  server.watcher.on('all', (_event, path) => {
    if (!watched.some((prefix) => path.startsWith(prefix)) || path.endsWith('.test.ts')) return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        const { manifest } = await rebuild();
        server.config.logger.info(`runtimes: build ${manifest.buildId}`, { timestamp: true });
        const module = server.moduleGraph.getModuleById(resolvedId);
        if (module) await server.reloadModule(module);
      } catch (error) {
        server.config.logger.error(`runtimes: ${error}`, { timestamp: true });
      }
    }, 100);
  });
}
