/**
 * Moves of a guest between two browsers. One of the browsers is killed, or a step fails, at a point of the
 * protocol. Afterwards the guest has one life.
 */
import { expect } from '@playwright/test';
import { SocketPairs } from '../../support/socket-pair.ts';
import { Lab, type Point } from './lab.ts';
import { Side, type SideFiles, sideFiles } from './side.ts';

const acts = ['kill source', 'kill destination', 'throw'] as const;
const moments = ['before', 'after'] as const;

/** The named steps of the protocol, in their order at each end. */
const steps: readonly [operation: string, step: string][] = [
  ...['setup', 'accept', 'copy', 'stop', 'device', 'ready', 'leave', 'run', 'confirm'].map(
    (step): [string, string] => ['migrate', step],
  ),
  ...['setup', 'accept', 'ready', 'run'].map((step): [string, string] => ['migrateIncoming', step]),
  ...['restore', 'load', 'run'].map((step): [string, string] => ['cprLoad', step]),
];

/** Memory of the guest. */
const memoryMiB = 32;
/** Longest wait for both ends to know how a migration ended, ms: silence counts after 30 s. */
const endMs = 90_000;

interface Plan extends Omit<Point, 'side'> {
  act: (typeof acts)[number];
  /** Time of the kill after the point, ms. Undefined: the keeper stands still there until the kill. */
  delayMs?: number;
}

export interface MigrateRound {
  plan: Plan;
  /** Where the guest has its life, and how it got that. */
  life: string;
}

export const describeMigrateRound = ({ plan, life }: MigrateRound): string => {
  const { act, operation, step, when, delayMs } = plan;
  const late = delayMs === undefined ? '' : `, ${delayMs} ms later`;
  return `migrate: ${act} ${when} "${step}" of ${operation}${late}: ${life}`;
};

export class MigrateRounds {
  #lab: Lab | undefined;
  #pairs: SocketPairs | undefined;
  #files: SideFiles | undefined;
  /** The side that has the guest, and the other one. */
  #sides: [Side, Side] | undefined;

  /** @param below a random integer from 0 to below its argument */
  async round(below: (limit: number) => number): Promise<MigrateRound> {
    this.#sides ??= await this.#begin();
    const [from, to] = this.#sides;
    const plan = planOf(below);
    await to.call('prepare');
    await from.call('save');
    await this.#move(from, to, plan);

    const restarted = [from, to].filter((side) => !side.isAlive);
    let how = 'runs';
    for (const side of restarted) {
      await side.start();
      const resumed = await side.call('resumeStored', false);
      if (resumed === 'done') how = 'was resumed';
    }
    let alive = await running(from, to);
    expect(alive.length, `lives: ${await describe(from, to)}`).toBeLessThanOrEqual(1);
    if (alive.length === 0) {
      how = await revive(from);
      alive = await running(from, to);
      expect(alive.length, `lives: ${await describe(from, to)}`).toBe(1);
    }
    const life = alive[0] as Side;
    const other = life === from ? to : from;
    expect(await life.call('isWhole')).toBe(true);
    // Storage at the other side gives no second life.
    if ((await other.call('runstate')) !== 'postmigrate')
      expect(await other.call('resumeStored', false)).not.toBe('done');
    this.#sides = [life, other];
    return { plan, life: `${how} at the ${life === from ? 'source' : 'destination'}` };
  }

  async close(): Promise<void> {
    for (const side of this.#sides ?? []) await side.close();
    this.#lab?.close();
    this.#pairs?.close();
    this.#sides = undefined;
    this.#files = undefined;
  }

  async #begin(): Promise<[Side, Side]> {
    this.#lab = await Lab.serve();
    this.#pairs = await SocketPairs.serve();
    this.#files ??= await sideFiles(this.#lab.url);
    const first = await Side.open('first', this.#files);
    const second = await Side.open('second', this.#files);
    await first.call('boot', memoryMiB);
    return [first, second];
  }

  /** Moves the guest, and does to it what is planned. Resolves when both ends know the outcome. */
  async #move(from: Side, to: Side, plan: Plan): Promise<void> {
    const { act, delayMs = 0 } = plan;
    const victim = act === 'kill source' ? from : to;
    let killing: Promise<void> | undefined;
    let isDone = false;
    const lab = this.#lab as Lab;
    const pairs = this.#pairs as SocketPairs;
    lab.reached = async ({ operation, step, when }) => {
      const isHere = operation === plan.operation && step === plan.step && when === plan.when;
      if (isDone || !isHere) return 'go';
      isDone = true;
      if (act === 'throw') return 'throw';
      killing = new Promise((resolve) => setTimeout(resolve, delayMs)).then(() => victim.kill());
      if (plan.delayMs === undefined) await killing;
      return 'go';
    };
    pairs.reset();
    await to.call('take', pairs.url);
    await from.call('send', pairs.url);
    const ends = [from, to].map((side) => side.call('ended').catch(() => 'killed'));
    const outcomes = await within(endMs, Promise.all(ends));
    await killing;
    lab.reached = async () => 'go';
    expect(isDone, `The point was not reached: ${outcomes.join(', ')}`).toBe(true);
  }
}

function planOf(below: (limit: number) => number): Plan {
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const act = pick(acts);
  const [operation, step] = pick(steps);
  const when = pick(moments);
  const stands = below(2) === 0;
  return { act, operation, step, when, ...(!stands && act !== 'throw' && { delayMs: below(40) }) };
}

async function running(...sides: readonly Side[]): Promise<Side[]> {
  const states = await Promise.all(sides.map((side) => side.call('runstate')));
  return sides.filter((_, at) => states[at] === 'running');
}

/** Does what the user of the source would. */
async function revive(source: Side): Promise<string> {
  if ((await source.call('runstate')) === 'postmigrate') {
    await source.call('resume');
    return 'was resumed by its user';
  }
  expect(await source.call('resumeStored', true)).toBe('done');
  return 'was taken over by its user';
}

async function describe(...sides: readonly Side[]): Promise<string> {
  const of = async (side: Side) => `${side.name} ${await side.call('runstate')}`;
  return (await Promise.all(sides.map(of))).join(', ');
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('A migration has no end.')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
