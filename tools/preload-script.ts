/**
 * Builds the start of the page's head: src/playground/start/preload.ts, and the requests for the
 * rest of the page.
 */
import { join } from 'node:path';
import { build, type Plugin, type Rolldown } from 'vite';
import { type BuildManifest, repositoryRoot } from './site-workers.ts';

/** Its place in index.html: before the stylesheets, which scripts wait for. */
const placeholder = '<!-- preload script -->';

/**
 * Inserts the preload script as a separate file, so that `script-src 'self'` suffices.
 * @param head with the paths of the preload script, and of modules that are fetched at once and run on import
 */
export function withHead(
  html: string,
  { script, modules }: { script: string; modules: readonly string[] },
): string {
  if (!html.includes(placeholder)) throw new Error(`index.html lacks ${placeholder}.`);
  const links = modules
    .filter((path) => !html.includes(`href="./${path}"`))
    .map((path) => `    <link rel="modulepreload" crossorigin href="./${path}" />\n`);
  return (
    html
      .replace(placeholder, () => `<script src="./${script}"></script>`)
      // After the stylesheet, which the first paint waits for.
      .replace(/^ *<\/head>/m, (end) => links.join('') + end)
  );
}

/** `promptState` of `virtual:holdfast-build`, see src/build.d.ts. */
export interface PreloadedPromptState {
  url: string;
  memoryMiB: number;
  workerUrl: string;
}

/** Bundles src/playground/start/preload.ts into a classic script. */
export async function bundlePreloadScript(
  { keeperUrl, runtimes }: BuildManifest,
  promptState: PreloadedPromptState | undefined,
): Promise<string> {
  const manifest: Plugin = {
    name: 'holdfast-preload-manifest',
    enforce: 'pre',
    resolveId: (id) => (id === 'virtual:holdfast-build' ? '\0build' : undefined),
    load: (id) =>
      id === '\0build'
        ? Object.entries({ keeperUrl, runtimes, promptState })
            .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`)
            .join('\n')
        : undefined,
  };
  const result = await build({
    configFile: false,
    root: repositoryRoot,
    mode: 'production',
    logLevel: 'warn',
    publicDir: false,
    plugins: [manifest],
    build: {
      write: false,
      target: 'es2022',
      lib: {
        entry: join(repositoryRoot, 'src/playground/start/preload.ts'),
        formats: ['iife'],
        name: 'holdfastPreloadScript',
        fileName: () => 'preload.js',
      },
    },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  return output[0].code.trim();
}
