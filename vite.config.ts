import { defineConfig } from 'vite';
import { holdfast } from './src/packages/node/vite.ts';
import { isolationHeaders } from './tools/serve.mjs';
import { inlineZstd } from './tools/vite-plugin-inline-zstd.ts';
import { runtimes } from './tools/vite-plugin-runtimes.ts';

/** Small modules that the page's entry or its parts for later share with the page. */
const sharedByAll =
  /preload-helper|xxhash-wasm|src\/(?:playground\/start\/preloaded-keeper|state-file\/format\/bad-state|protocol\/zstd-frame|client\/(?:collect-blob|send\/send-link|hosts\/(?:socket-)?transport)|errors)\.ts/;

export default defineConfig({
  // Relative, so that the site works under any path of any static host.
  base: './',
  plugins: [runtimes(), holdfast(), inlineZstd()],
  worker: { plugins: () => [inlineZstd()] },
  server: { port: 8085, strictPort: false, headers: isolationHeaders },
  build: {
    target: 'es2022',
    sourcemap: true,
    // Every browser that has the features of a guest knows it.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    // Bundling the runtimes is what takes the time, and is meant to.
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: { index: 'index.html', machine: 'machine.html' },
      // One file: each request of a first visit costs as much processor time as reading 100 kB.
      output: { codeSplitting: { groups: [{ name: 'base', test: sharedByAll }] } },
    },
  },
});
