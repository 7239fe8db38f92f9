/**
 * Reads 100,000 damaged vmstates. Gives 2,000 of them to a runtime while another one has the guest.
 * Each is a typed error or a machine, in little memory, and the guest is never affected. The time of a
 * case has no limit but the test's.
 */
import { describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { labFirmware, loadLabRuntime, projectFile } from '../../tools/lab-runtime.ts';
import { HoldfastError } from '../errors.ts';
import type { PreparedRuntime, RuntimeInstance } from '../protocol/abi.ts';
import { fixDigests } from '../vmstate/testing/fix-digests.ts';
import { mutate, randomSource } from '../vmstate/testing/mutate.ts';
import { decodeValue, type Value } from '../vmstate/value.ts';
import { yieldToEventLoop } from './core/yield-to-event-loop.ts';
import { allowedOutcomes, devicesOf, fuzzVmstates, goldens } from './testing/fuzz-vmstates.ts';
import { type LabHost, labHost } from './testing/lab-host.ts';
import { prepareLab } from './testing/lab-runtime.ts';
import { checkPattern } from './testing/pattern.ts';
import type { V86Runtime } from './v86-runtime.ts';

const { h64Raw: digest } = await xxhash();

const seed = 20_261_123;
const cases = 100_000;
const runtimeCases = 2000;

/** A pattern guest in a real runtime, and a function that prepares further runtimes for it. */
async function patternGuest() {
  const runtime = await loadLabRuntime('v86');
  const images = { ...labFirmware, fda: projectFile('public/guests/pattern/graphics.img') };
  const host = labHost(images, { memoryMiB: 16, vgaMemoryMiB: 2 });
  const prepare = (coldBoot: boolean) => prepareLab(runtime, host, coldBoot);
  return { host, machine: (await prepare(true)).boot() as V86Runtime, prepare };
}

/** Runs the guest until it has finished `passes` more passes. */
async function untilPass(host: LabHost, machine: V86Runtime, passes: number): Promise<void> {
  const done = () => host.serial.match(/pass \d+/g)?.length ?? 0;
  const wanted = done() + passes;
  while (done() < wanted) {
    if (host.crash) throw new Error(`The runtime died: ${String(host.crash)}`);
    machine.core.step();
    await yieldToEventLoop();
  }
}

/**
 * Returns a digest of RAM, VGA memory and planes, without the runtime's own memory in their
 * blocks.
 */
function memoryDigest({ blocks, memory }: LabHost, { core }: V86Runtime): bigint {
  const planes = blocks.find(({ name }) => name === 'vga.planes');
  const { svga_memory } = core.cpu.devices.vga;
  const areas: readonly [address: number, sizeBytes: number][] = [
    [core.ramAddress, core.cpu.mem8.length],
    [core.vramAddress, svga_memory.length],
    [planes?.address ?? 0, planes?.sizeBytes ?? 0],
  ];
  return areas.reduce(
    (seed, [address, sizeBytes]) => digest(new Uint8Array(memory.buffer, address, sizeBytes), seed),
    0n,
  );
}

/** General registers, instruction pointer, flags and segments. */
const registersOf = (vmstate: Uint8Array) => {
  const { cpu } = decodeValue(devicesOf(vmstate)) as unknown as { cpu: Value[] };
  return [39, 37, 26, 40].map((element) => cpu[element]);
};

/** Acts as a keeper: the old runtime is parked while the other one tries. */
function loadOrRefuse(
  machine: V86Runtime,
  prepared: PreparedRuntime,
  bytes: Uint8Array,
): RuntimeInstance | undefined {
  machine.park();
  try {
    return prepared.load(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    machine.unpark();
    return undefined;
  }
}

describe('damaged vmstates', () => {
  it(`[LM1] ${cases} of them: each a typed error or a machine, in little memory`, () => {
    const { failures, outcomes, largestShare } = fuzzVmstates(cases, seed);
    expect(failures.slice(0, 10)).toEqual([]);
    expect(largestShare.damaged, 'of what the undamaged file takes').toBeLessThanOrEqual(2);
    expect(largestShare.forged, 'of that, with digests that fit').toBeLessThanOrEqual(2);
    for (const outcome of allowedOutcomes)
      expect(outcomes.get(outcome), outcome).toBeGreaterThan(0);
  }, 300_000);

  it(`[LM2] ${runtimeCases} of them given to a runtime: the guest's memory stays as it is, and it keeps running`, async () => {
    const { host, machine, prepare } = await patternGuest();
    await untilPass(host, machine, 2);
    const own = machine.save();
    const next = randomSource(seed + 1);
    let prepared = await prepare(false);
    const before = memoryDigest(host, machine);
    let taken = 0;
    for (let i = 0; i < runtimeCases; i++) {
      const mutated = mutate([own, ...goldens], 0, next);
      if (mutated.redigest) fixDigests(mutated.bytes, digest);
      const runtime = loadOrRefuse(machine, prepared, mutated.bytes);
      if (runtime) {
        // As after a hand-over that failed at its last step: the old runtime runs again.
        runtime.destroy();
        machine.unpark();
        prepared = await prepare(false);
        taken++;
      }
      if (i % 100 === 0)
        expect(memoryDigest(host, machine), `case ${i}, ${mutated.kind}`).toBe(before);
    }
    expect(taken).toBeGreaterThan(100);
    expect(memoryDigest(host, machine)).toBe(before);
    expect(registersOf(machine.save())).toEqual(registersOf(own));
    await untilPass(host, machine, 4);
    expect(checkPattern(machine.commands.readMemory)).toMatchObject({ ok: true });
  }, 300_000);
});
