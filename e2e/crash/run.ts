/**
 * `npm run test:crash -- [--seed N] [--count N] [--only boot,idle,ram,disk]`: kills of the whole
 * browser at random moments. The workloads take turns.
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
const runs = names.map((name) => ({ name, rounds: new CrashRounds(name, site.url, lab) }));
const passed: Round[] = [];
let failed = 0;

console.log(`seed ${seed}, ${count} rounds`);
for (let index = 0; index < count; index++) {
  const run = runs[index % runs.length];
  if (!run) break;
  try {
    const round = await run.rounds.round(below);
    passed.push(round);
    console.log(`${index + 1} ${describeRound(round)}`);
  } catch (error) {
    failed++;
    console.error(`${index + 1} ${run.name}: FAILED (seed ${seed})`, error);
    // The next round of this workload begins with another guest.
    await run.rounds.close();
  }
}
for (const { rounds } of runs) await rounds.close();
await site.close();
for (const line of summarize(passed)) console.log(line);
console.log(`seed ${seed}: ${passed.length} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
