/**
 * `npm run test:crash -- [--seed N] [--count N] [--at-once N] [--only boot,idle,ram,disk,disk-full,power-loss,migrate]`:
 * kills whole browsers at random moments, and damages or fills their disks.
 *
 * The kinds run one after the other: a guest that waits for its turn would use processor time. `--at-once`
 * runs so many series of rounds in parallel, for kinds that mostly wait.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { randomSource } from '../../src/vmstate/testing/mutate.ts';
import { ensureBuild, root } from '../../tools/setup.mjs';
import { bundleModule } from '../support/bundle.ts';
import { Site } from '../support/test.ts';
import { DiskFullRounds, describeDiskFull, smallDiskMiB } from './disk-full.ts';
import { describeMigrateRound, MigrateRounds } from './migrate/rounds.ts';
import { describePowerLoss, PowerLossRounds } from './power-loss.ts';
import { CrashRounds, type Round } from './rounds.ts';
import { SmallDisk } from './small-disk.ts';
import { describeRound, summarize } from './summary.ts';
import { workloadNames } from './workloads.ts';

const kinds = [...workloadNames, 'disk-full', 'power-loss', 'migrate'] as const;
type Kind = (typeof kinds)[number];

/** Result of one round. */
interface Told {
  description: string;
  /** In a word or two: rounds are counted by it. */
  outcome: string;
}

/** Rounds of one kind. */
interface Rounds {
  round(below: (limit: number) => number): Promise<Told>;
  close(): Promise<void>;
  end?(): void;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String((Date.now() % 0x7fff_ffff) + 1) },
    count: { type: 'string', default: '200' },
    only: { type: 'string', default: kinds.join(',') },
    'at-once': { type: 'string', default: '1' },
  },
});
const seed = positive('seed', values.seed);
const count = positive('count', values.count);
const atOnce = positive('at-once', values['at-once']);
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
const site = await Site.serve({ root: join(root, 'dist') });
const inPage = await site.put(
  'e2e/in-page.js',
  await bundleModule(resolve(root, 'e2e/support/in-page.ts')),
);
const [newer, older] = await site.runtimes();
if (!newer || !older) throw new Error('The build ships fewer than two runtimes.');
const lab = { inPage, runtimes: { newer, older } };
const killed: Round[] = [];
const outcomes = new Map<string, number>();
let failed = 0;

function roundsOf(kind: Kind): Rounds | { refused: string } {
  switch (kind) {
    case 'disk-full': {
      const disk = SmallDisk.mount(smallDiskMiB);
      if ('refused' in disk) return disk;
      const rounds = new DiskFullRounds(site.url, disk);
      return {
        round: async (below) => {
          const round = await rounds.round(below);
          return {
            description: describeDiskFull(round),
            outcome: round.isGone ? 'told' : 'resumed',
          };
        },
        close: () => rounds.close(),
        end: () => disk.unmount(),
      };
    }
    case 'power-loss': {
      const rounds = new PowerLossRounds(site.url);
      return {
        round: async (below) => {
          const round = await rounds.round(below);
          return { description: describePowerLoss(round), outcome: round.outcome };
        },
        close: () => rounds.close(),
      };
    }
    case 'migrate': {
      const rounds = new MigrateRounds();
      return {
        round: async (below) => {
          const round = await rounds.round(below);
          return { description: describeMigrateRound(round), outcome: round.life };
        },
        close: () => rounds.close(),
      };
    }
    default: {
      const rounds = new CrashRounds(kind, site.url, lab);
      return {
        round: async (below) => {
          const round = await rounds.round(below);
          killed.push(round);
          return { description: describeRound(round), outcome: round.startSource };
        },
        close: () => rounds.close(),
      };
    }
  }
}

const countOutcome = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);

/** Rounds from `from` to `to`, one after the other. */
async function series(name: Kind, from: number, to: number, own: number): Promise<void> {
  if (from === to) return;
  const crash = roundsOf(name);
  if ('refused' in crash) {
    console.log(`${name}: left out. ${crash.refused}`);
    return;
  }
  const below = randomSource(own);
  for (let index = from; index < to; index++) {
    const beganMs = Date.now();
    const took = () => `${((Date.now() - beganMs) / 1000).toFixed(1)} s`;
    try {
      const { description, outcome } = await crash.round(below);
      countOutcome(`${name}: ${outcome}`);
      console.log(`${index + 1} ${description} (${took()})`);
    } catch (error) {
      failed++;
      countOutcome(`${name}: FAILED`);
      console.error(`${index + 1} ${name}: FAILED (seed ${own}, ${took()})`, error);
      // The next round begins with another guest.
      await crash.close();
    }
  }
  await crash.close();
  crash.end?.();
}

console.log(`seed ${seed}, ${count} rounds`);
for (const [turn, name] of names.entries()) {
  const [from = 0, to = 0] = parts(0, count, names.length, turn);
  await Promise.all(
    Array.from({ length: atOnce }, (_, lane) => {
      const [first = 0, end = 0] = parts(from, to, atOnce, lane);
      return series(name, first, end, seed + lane);
    }),
  );
}
await site.close();
for (const line of summarize(killed)) console.log(line);
for (const [outcome, times] of [...outcomes].sort()) console.log(`${outcome}: ${times}`);
const ended = [...outcomes.values()].reduce((sum, times) => sum + times, 0);
console.log(`seed ${seed}: ${ended - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** Returns the start and the end of a share of a range. */
function parts(from: number, to: number, shares: number, share: number): [number, number] {
  const at = (part: number) => from + Math.round((part * (to - from)) / shares);
  return [at(share), at(share + 1)];
}
