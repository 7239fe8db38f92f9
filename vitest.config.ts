import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';

/** Stands in for tools/vite-plugin-runtimes.ts, which would bundle every runtime first. */
const emptyBuild: Plugin = {
  name: 'holdfast-empty-build',
  resolveId: (id) => (id === 'virtual:holdfast-build' ? `\0${id}` : undefined),
  load: (id) =>
    id === '\0virtual:holdfast-build'
      ? `export const buildId = 'unit'; export const keeperUrl = 'keeper.js'; export const runtimes = [];`
      : undefined,
};

export default defineConfig({
  plugins: [emptyBuild],
  resolve: {
    alias: {
      'v86-package': fileURLToPath(new URL('node_modules/v86/build/libv86.mjs', import.meta.url)),
    },
  },
  test: {
    include: ['src/**/*.test.ts', 'tools/**/*.test.ts'],
    environment: 'node',
    // A machine that does much else at the same time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
