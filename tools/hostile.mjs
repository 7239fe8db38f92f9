/**
 * `npm run test:hostile -- [--count N] [--seed N]`: tests more of the hostile files of
 * e2e/safety/hostile-files.spec.ts.
 */
import { parseArgs } from 'node:util';
import { bin, run } from './setup.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const env = {
  ...process.env,
  HOLDFAST_HOSTILE_COUNT: values.count,
  HOLDFAST_HOSTILE_SEED: values.seed,
};
console.log(`seed ${values.seed}`);
const args = [bin('@playwright/test/cli.js'), 'test', 'e2e/safety/hostile-files.spec.ts'];
process.exitCode = run(process.execPath, args, { env }) ? 0 : 1;
