/** What begins in the page's head: src/page/early.ts, and the request for the rest of the page. */
import { join } from 'node:path';
import { build, type Plugin, type Rolldown } from 'vite';
import { type BuildManifest, repositoryRoot } from './site-workers.ts';

/** Where it goes in index.html: before the stylesheets, which scripts wait for. */
const placeholder = '<!-- early script -->';

/**
 * A file of its own, so that `script-src 'self'` suffices.
 * @param head with the path of the early script, and of one that is fetched at once and run when it is
 *   imported
 */
export function withHead(
  html: string,
  { script, preload }: { script: string; preload: string | undefined },
): string {
  if (!html.includes(placeholder)) throw new Error(`index.html lacks ${placeholder}.`);
  const tags = [`<script src="./${script}"></script>`];
  if (preload) tags.push(`<link rel="preload" as="script" crossorigin href="./${preload}" />`);
  return html.replace(placeholder, () => tags.join('\n    '));
}

/** `promptState` of `virtual:holdfast-build`, see src/build.d.ts. */
export interface EarlyPromptState {
  url: string;
  memoryMiB: number;
  workerUrl: string;
}

/** Bundles src/page/early.ts into a classic script. */
export async function bundleEarlyScript(
  { keeperUrl, runtimes }: BuildManifest,
  promptState: EarlyPromptState | undefined,
): Promise<string> {
  const manifest: Plugin = {
    name: 'holdfast-early-manifest',
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
        entry: join(repositoryRoot, 'src/page/early.ts'),
        formats: ['iife'],
        name: 'holdfastEarlyScript',
        fileName: () => 'early.js',
      },
    },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  return output[0].code.trim();
}
