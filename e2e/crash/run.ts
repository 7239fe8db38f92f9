/**
 * `npm run test:crash -- [--seed N] [--count N] [--only boot,idle,ram,disk]`: kills of the whole
 * browser at random moments. One workload after the other: a guest that waits for its turn in a
 * browser would take its share of the machine.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { randomSource } from '../../src/cpr/mutate.ts';
import { ensureBuild, root } from '../../tools/setup.mjs';
import { bundleModule } from '../bundle.ts';
import { Site } from '../test.ts';
import { CrashRounds, type Round } from './rounds.ts';
import { describeRound, summarize } from './summary.ts';
import { type WorkloadName, workloadNames } from './workloads.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String((Date.now() % 0x7fff_ffff) + 1) },
    count: { type: 'string', default: '200' },
    only: { type: 'string', default: workloadNames.join(',') },
  },
});
const seed = positive('seed', values.seed);
const count = positive('count', values.count);
const names = values.only.split(',').map((name): WorkloadName => {
  const known = workloadNames.find((candidate) => candidate === name);
  if (known) return known;
  throw new Error(`--only takes ${workloadNames.join(', ')}, separated by commas.`);
});

function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${option} takes a positive whole number.`);
}

ensureBuild();
const below = randomSource(seed);
const site = await Site.serve({ root: join(root, 'dist') });
const inPage = await site.put(
  'e2e/in-page.js',
  await bundleModule(resolve(root, 'e2e/in-page.ts')),
);
const [newer, older] = await site.runtimes();
if (!newer || !older) throw new Error('The build ships fewer than two runtimes.');
const lab = { inPage, runtimes: { newer, older } };
const passed: Round[] = [];
let failed = 0;

console.log(`seed ${seed}, ${count} rounds`);
for (const [turn, name] of names.entries()) {
  const crash = new CrashRounds(name, site.url, lab);
  const [from, to] = [turn, turn + 1].map((part) => Math.round((part * count) / names.length));
  for (let index = from ?? 0; index < (to ?? 0); index++) {
    try {
      const round = await crash.round(below);
      passed.push(round);
      console.log(`${index + 1} ${describeRound(round)}`);
    } catch (error) {
      failed++;
      console.error(`${index + 1} ${name}: FAILED (seed ${seed})`, error);
      // The next round begins with another guest.
      await crash.close();
    }
  }
  await crash.close();
}
await site.close();
for (const line of summarize(passed)) console.log(line);
console.log(`seed ${seed}: ${passed.length} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
