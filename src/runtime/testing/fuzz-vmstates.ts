/**
 * Damaged vmstates by the thousand, made of the golden files: what becomes of each, how long that
 * takes, and how much memory it asks for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import xxhash from 'xxhash-wasm';
import { HoldfastError } from '../../errors.ts';
import { fixDigests } from '../../vmstate/fix-digests.ts';
import { type Mutated, mutate, randomSource } from '../../vmstate/mutate.ts';
import { decodedSizeBytes, decodeValue, encodeValue } from '../../vmstate/value.ts';
import { decodeVmstate, encodeVmstate, type Section } from '../../vmstate/vmstate.ts';
import { DeviceTemplate } from '../state/device-template.ts';
import { readIncoming } from '../state/incoming.ts';

const { h64Raw: digest } = await xxhash();
const states = join(import.meta.dirname, 'states');

/** The golden files, oldest format first. */
export const goldens: readonly Uint8Array[] = readdirSync(states)
  .filter((file) => file.endsWith('.vmstate'))
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  .map((file) => new Uint8Array(readFileSync(join(states, file))));

/** What may come of a damaged vmstate; all of it comes up, or the damage is too tame. */
export const allowedOutcomes: readonly string[] = [
  'bad-vmstate',
  'runtime-incompatible',
  'an equal machine',
  'another machine, whole',
];

interface FuzzReport {
  cases: number;
  outcomes: ReadonlyMap<string, number>;
  /** Cases that ended otherwise than {@link allowedOutcomes}: which, and how. */
  failures: string[];
  /** Of the processor: what else the computer does is no part of it. */
  slowestMs: number;
  /**
   * Most that a case allocated by a claimed length, in sizes of the undamaged file's: by damage, and
   * by intent, with digests that fit.
   */
  largestShare: { damaged: number; forged: number };
}

const isEqual = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

export function devicesOf(vmstate: Uint8Array): Uint8Array {
  const section = decodeVmstate(vmstate, digest).find(({ name }) => name === 'v86.devices');
  if (!section) throw new Error('This vmstate holds no device state.');
  return section.bytes;
}

/** The machine that a vmstate is, as bytes: migrated, the sections in the order of their names. */
function machineOf(vmstate: Uint8Array): Uint8Array {
  const byName = (a: Section, b: Section) => (a.name < b.name ? -1 : 1);
  return encodeVmstate(decodeVmstate(vmstate, digest).sort(byName), digest);
}

/** Typed arrays made with a length, in bytes: what a lie could blow up. */
const allocated = { bytes: 0 };

/** Counts in {@link allocated} while `run` runs. */
function counting<T>(run: () => T): T {
  const Native = globalThis.Uint8Array;
  allocated.bytes = 0;
  globalThis.Uint8Array = new Proxy(Native, {
    construct(target, args: unknown[]) {
      if (typeof args[0] === 'number') allocated.bytes += args[0];
      return Reflect.construct(target, args);
    },
  });
  try {
    return run();
  } finally {
    globalThis.Uint8Array = Native;
  }
}

/** A file to damage, and what it is when it is whole. */
interface Honest {
  machine: Uint8Array;
  /** As of a runtime that could load it. */
  template: DeviceTemplate;
  /** What reading it takes up. */
  allocatedBytes: number;
}

function honest(vmstate: Uint8Array): Honest {
  const devices = devicesOf(vmstate);
  const template = new DeviceTemplate(devices);
  counting(() => readIncoming(vmstate, digest, template));
  const allArraysBytes = allocated.bytes;
  counting(() => decodeValue(devices));
  // By [VL6] values count as well as arrays.
  const allocatedBytes = allArraysBytes - allocated.bytes + decodedSizeBytes(devices);
  return { machine: machineOf(vmstate), template, allocatedBytes };
}

function judge(
  { bytes, redigest }: Mutated,
  { template }: Honest,
  files: readonly Honest[],
): string {
  try {
    counting(() => readIncoming(bytes, digest, template));
  } catch (error) {
    return error instanceof HoldfastError ? error.code : `untyped: ${String(error)}`;
  }
  const read = machineOf(bytes);
  const devices = devicesOf(read);
  const again = encodeValue(decodeValue(devices));
  if (!isEqual(machineOf(read), read) || !isEqual(again, devices))
    return 'a machine that is encoded as another one';
  // A splice can leave nothing but the other file.
  if (files.some(({ machine }) => isEqual(read, machine))) return 'an equal machine';
  // Sections of format version 1 vouch for themselves only.
  return redigest || bytes[8] === 1 ? 'another machine, whole' : 'damage that nobody noticed';
}

/** @param seed the same cases for the same seed */
export function fuzzVmstates(cases: number, seed: number): FuzzReport {
  const next = randomSource(seed);
  const files = goldens.map(honest);
  const outcomes = new Map<string, number>();
  const report = {
    cases,
    outcomes,
    failures: [] as string[],
    slowestMs: 0,
    largestShare: { damaged: 0, forged: 0 },
  };
  for (let i = 0; i < cases; i++) {
    const which = i % goldens.length;
    const file = files[which];
    if (!file) throw new Error('There are no golden files.');
    const mutated = mutate(goldens, which, next);
    if (mutated.redigest) fixDigests(mutated.bytes, digest);
    const began = process.cpuUsage();
    const outcome = judge(mutated, file, files);
    const { user, system } = process.cpuUsage(began);
    report.slowestMs = Math.max(report.slowestMs, (user + system) / 1000);
    const share = allocated.bytes / file.allocatedBytes;
    const kind = mutated.redigest ? 'forged' : 'damaged';
    report.largestShare[kind] = Math.max(report.largestShare[kind], share);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (!allowedOutcomes.includes(outcome))
      report.failures.push(`case ${i}, ${mutated.kind}: ${outcome}`);
  }
  return report;
}
