/**
 * `npm run test:crash -- [--seed N] [--count N] [--only boot,idle,ram,disk,disk-full,power-loss]`: kills
 * of the whole browser at random moments, and disks that are full or lose what they had. One kind
 * after the other: a guest that waits for its turn in a browser would take its share of the machine.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { randomSource } from '../../src/cpr/mutate.ts';
import { ensureBuild, root } from '../../tools/setup.mjs';
import { bundleModule } from '../bundle.ts';
import { Site } from '../test.ts';
import { DiskFullRounds, describeDiskFull, smallDiskMiB } from './disk-full.ts';
import { describePowerLoss, PowerLossRounds } from './power-loss.ts';
import { CrashRounds, type Round } from './rounds.ts';
import { SmallDisk } from './small-disk.ts';
import { describeRound, summarize } from './summary.ts';
import { workloadNames } from './workloads.ts';

const kinds = [...workloadNames, 'disk-full', 'power-loss'] as const;
type Kind = (typeof kinds)[number];

/** Rounds of one kind, each in words. */
interface Rounds {
  round(below: (limit: number) => number): Promise<string>;
  close(): Promise<void>;
  end?(): void;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String((Date.now() % 0x7fff_ffff) + 1) },
    count: { type: 'string', default: '200' },
    only: { type: 'string', default: kinds.join(',') },
  },
});
const seed = positive('seed', values.seed);
const count = positive('count', values.count);
const names = values.only.split(',').map((name): Kind => {
  const known = kinds.find((candidate) => candidate === name);
  if (known) return known;
  throw new Error(`--only takes ${kinds.join(', ')}, separated by commas.`);
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
const killed: Round[] = [];
let passed = 0;
let failed = 0;

function roundsOf(kind: Kind): Rounds | { refused: string } {
  switch (kind) {
    case 'disk-full': {
      const disk = SmallDisk.mount(smallDiskMiB);
      if ('refused' in disk) return disk;
      const rounds = new DiskFullRounds(site.url, disk);
      return {
        round: async (below) => describeDiskFull(await rounds.round(below)),
        close: () => rounds.close(),
        end: () => disk.unmount(),
      };
    }
    case 'power-loss': {
      const rounds = new PowerLossRounds(site.url);
      return {
        round: async (below) => describePowerLoss(await rounds.round(below)),
        close: () => rounds.close(),
      };
    }
    default: {
      const rounds = new CrashRounds(kind, site.url, lab);
      return {
        round: async (below) => {
          const round = await rounds.round(below);
          killed.push(round);
          return describeRound(round);
        },
        close: () => rounds.close(),
      };
    }
  }
}

console.log(`seed ${seed}, ${count} rounds`);
for (const [turn, name] of names.entries()) {
  const crash = roundsOf(name);
  if ('refused' in crash) {
    console.log(`${name}: left out. ${crash.refused}`);
    continue;
  }
  const [from, to] = [turn, turn + 1].map((part) => Math.round((part * count) / names.length));
  for (let index = from ?? 0; index < (to ?? 0); index++) {
    try {
      const description = await crash.round(below);
      passed++;
      console.log(`${index + 1} ${description}`);
    } catch (error) {
      failed++;
      console.error(`${index + 1} ${name}: FAILED (seed ${seed})`, error);
      // The next round begins with another guest.
      await crash.close();
    }
  }
  await crash.close();
  crash.end?.();
}
await site.close();
for (const line of summarize(killed)) console.log(line);
console.log(`seed ${seed}: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
