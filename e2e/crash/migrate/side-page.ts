/** One side's page: it has a machine, and sends its guest to the other side or takes the other's. */
import { createMachine } from '../../../src/client/create-machine.ts';
import type { Machine } from '../../../src/client/types.ts';
import { connect, type MachineConfig, type RuntimeSource } from '../../../src/index.ts';
import { inspectPattern } from '../../support/in-page.ts';

const id = 'default';
let machine: Machine;
let runtimes: readonly RuntimeSource[];

/** The end of the migration that is under way: `done`, or the code of its error. */
let outcome: Promise<string> = Promise.resolve('none');

const outcomeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    ({ code, message }) => `${code}: ${message}`,
  );

export async function open(builds: readonly RuntimeSource[]): Promise<void> {
  runtimes = builds;
  machine = await connect({ keeperUrl: 'keeper.js', runtimes });
}

export async function boot(memoryMiB: number): Promise<void> {
  const firmware = { bios: 'firmware/seabios.bin', vgaBios: 'firmware/vgabios.bin' };
  const assets = { keeperUrl: 'keeper.js', firmware, runtimes };
  machine = await createMachine(
    { fda: 'guests/pattern/text.img', memoryMiB, durable: true, name: 'Pattern' },
    assets,
  );
  await pass(1);
}

/** Ends and deletes what is here of earlier rounds: the guest may return. */
export async function prepare(): Promise<void> {
  await machine.destroy().catch(() => {});
  await machine.storage.remove(id).catch(() => {});
}

export const save = (): Promise<unknown> => machine.checkpoint();

export function send(url: string): void {
  const options = { downtimeLimitMs: 60_000 };
  outcome = outcomeOf(machine.migrate(new WebSocket(url), options));
}

export function take(url: string): void {
  const config: Partial<MachineConfig> = { durable: true, foreign: false };
  const options = { approve: () => true, config };
  outcome = outcomeOf(machine.migrateIncoming(new WebSocket(url), options as never));
}

export const ended = (): Promise<string> => outcome;

export const runstate = (): string | undefined => machine.status?.runstate;

/** Resumes what is stored here, as a page does that is opened. Resolves with `done` or a code. */
export function resumeStored(takeOver: boolean): Promise<string> {
  return outcomeOf(machine.resumeStored(id, { runtime: runtimes[0] as RuntimeSource, takeOver }));
}

export const resume = (): Promise<void> => machine.resume();

/** Every dword of the guest is right, and it runs on. */
export async function isWhole(): Promise<boolean> {
  await machine.pause();
  const result = await inspectPattern(machine);
  await machine.resume();
  await pass(1);
  return result.ok;
}

async function pass(count: number): Promise<void> {
  const console = machine.console('serial0');
  const text = new RegExp(`(?:pass \\d+\\r\\n[\\s\\S]*?){${count}}`);
  await console.waitFor(text, { from: console.end, timeoutMs: 60_000 });
}
