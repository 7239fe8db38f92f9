/**
 * Damages thousands of copies of the golden vmstates, and checks the outcome and the memory of
 * reading each.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import xxhash from 'xxhash-wasm';
import { HoldfastError } from '../../errors.ts';
import { fixDigests } from '../../vmstate/testing/fix-digests.ts';
import { type Mutated, mutate, randomSource } from '../../vmstate/testing/mutate.ts';
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

/**
 * Allowed outcomes of a damaged vmstate. All of them must occur, otherwise the damage is too mild.
 */
export const allowedOutcomes: readonly string[] = [
  'bad-vmstate',
  'runtime-incompatible',
  'an equal machine',
  'another machine, whole',
];

interface FuzzReport {
  cases: number;
  outcomes: ReadonlyMap<string, number>;
  /** Cases whose outcome is not one of {@link allowedOutcomes}, with it. */
  failures: string[];
  /**
   * Largest allocation for a claimed length, in multiples of the undamaged file's: for random
   * damage, and for forged files with digests that fit.
   */
  largestShare: { damaged: number; forged: number };
}

const isEqual = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

export function devicesOf(vmstate: Uint8Array): Uint8Array {
  const section = decodeVmstate(vmstate, digest).find(({ name }) => name === 'v86.devices');
  if (!section) throw new Error('This vmstate holds no device state.');
  return section.bytes;
}

/**
 * Returns the machine in a vmstate, as bytes: migrated, the sections in the order of their names.
 */
function machineOf(vmstate: Uint8Array): Uint8Array {
  const byName = (a: Section, b: Section) => (a.name < b.name ? -1 : 1);
  return encodeVmstate(decodeVmstate(vmstate, digest).sort(byName), digest);
}

/** Bytes of typed arrays that were made with a length, which a false length could make huge. */
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

/** A file to damage, and its contents when it is intact. */
interface Honest {
  machine: Uint8Array;
  /** As a runtime that could load it. */
  template: DeviceTemplate;
  /** Memory that reading it allocates. */
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
  // A splice may leave exactly the other file.
  if (files.some(({ machine }) => isEqual(read, machine))) return 'an equal machine';
  // In format version 1 a digest covers its section only.
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
    largestShare: { damaged: 0, forged: 0 },
  };
  for (let i = 0; i < cases; i++) {
    const which = i % goldens.length;
    const file = files[which];
    if (!file) throw new Error('There are no golden files.');
    const mutated = mutate(goldens, which, next);
    if (mutated.redigest) fixDigests(mutated.bytes, digest);
    const outcome = judge(mutated, file, files);
    const share = allocated.bytes / file.allocatedBytes;
    const kind = mutated.redigest ? 'forged' : 'damaged';
    report.largestShare[kind] = Math.max(report.largestShare[kind], share);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (!allowedOutcomes.includes(outcome))
      report.failures.push(`case ${i}, ${mutated.kind}: ${outcome}`);
  }
  return report;
}
