import { defineConfig } from 'vite';
import { holdfast } from './src/packages/node/vite.ts';
import { isolationHeaders } from './tools/serve.mjs';
import { inlineZstd } from './tools/vite-plugin-inline-zstd.ts';
import { runtimes } from './tools/vite-plugin-runtimes.ts';

export default defineConfig({
  // Relative, so that the site works under any path of any static host.
  base: './',
  plugins: [runtimes(), holdfast(), inlineZstd()],
  worker: { plugins: () => [inlineZstd()] },
  server: { port: 8085, strictPort: false, headers: isolationHeaders },
  build: {
    target: 'es2022',
    sourcemap: true,
    chunkSizeWarningLimit: 1000,
    // Bundling the runtimes is what takes the time, and is meant to.
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: { index: 'index.html', machine: 'machine.html' },
    },
  },
});
