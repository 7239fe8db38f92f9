import type { Rolldown } from 'vite';
import { expect, test } from 'vitest';
import { optionTable } from '../src/protocol/options/option-table.ts';
import { bundlePreloadScript, withHead } from './preload-script.ts';
import { chunksOf } from './vite-plugin-runtimes.ts';

const chunk = (fileName: string, imports: string[], facadeModuleId?: string) =>
  ({ type: 'chunk', fileName, imports, facadeModuleId }) as unknown as Rolldown.OutputChunk;

test('all that a module of the page imports is fetched with it, each file once', () => {
  const bundle = {
    'app.js': chunk('app.js', ['a.js', 'b.js'], '/site/src/playground/app.ts'),
    'a.js': chunk('a.js', ['b.js']),
    'b.js': chunk('b.js', ['c.js', 'a.js']),
    'c.js': chunk('c.js', []),
    'later.js': chunk('later.js', ['a.js']),
  };
  expect(chunksOf(bundle, 'src/playground/app.ts')).toEqual(['app.js', 'a.js', 'b.js', 'c.js']);
  expect(chunksOf(undefined, 'src/playground/app.ts')).toEqual([]);
});

test('the preload script comes before the stylesheet, and modules for later after it', () => {
  const html =
    '<head>\n    <!-- preload script -->\n    <link rel="modulepreload" href="./base.js">\n    <link rel="stylesheet" href="s.css">\n  </head>';
  const parts = withHead(html, { script: 'preload.js', modules: ['app.js', 'base.js', 'a.js'] });
  const found = [...parts.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
  expect(found).toEqual(['./preload.js', './base.js', 's.css', './app.js', './a.js']);
  expect(() => withHead('<head></head>', { script: 'preload.js', modules: [] })).toThrow('lacks');
});

test('the preload script brings neither the table of machine options nor what checks them', async () => {
  const script = await bundlePreloadScript(
    { buildId: '', keeperUrl: 'keeper.js', keeperBuild: '', runtimes: [] },
    undefined,
  );
  expect(script).toContain('keeper.js');
  expect(script).not.toContain(optionTable.vgaMemoryMiB.allowed);
  expect(script).not.toContain('boot_order');
});
