/** Runs v86 in Node for tests: prepared runtimes, and a clock that advances only on request. */
import type { PreparedRuntime } from '../../protocol/abi.ts';
import { prepareRuntime } from '../runtime.ts';
import type { V86Runtime } from '../v86-runtime.ts';
import type { LabHost } from './lab-host.ts';

/** One v86, as tools/lab-runtime.ts finds it in its npm package. */
export interface LabRuntime {
  name: string;
  V86: V86Constructor;
  /** The transformed v86.wasm. */
  wasm: Uint8Array<ArrayBuffer>;
}

/** Prepares a runtime as the keeper would, with the wasm in memory instead of downloaded. */
export async function prepareLab(
  runtime: LabRuntime,
  host: LabHost,
  coldBoot: boolean,
  { incoming = false } = {},
): Promise<PreparedRuntime> {
  const { fetch } = globalThis;
  const headers = { 'content-type': 'application/wasm' };
  const wasmUrl = `https://lab.invalid/${runtime.name}.wasm`;
  globalThis.fetch = async (input, init) =>
    input === wasmUrl ? new Response(runtime.wasm, { headers }) : fetch(input, init);
  try {
    return await prepareRuntime(runtime.V86, runtime.name, host, {
      wasmUrl,
      coldBoot,
      incoming,
    });
  } finally {
    globalThis.fetch = fetch;
  }
}

/** Longer than v86 runs before it returns to its caller, ms. */
const longerThanSlice = 1.001;

/**
 * The host's clock for tests that must run the same each time: every read of it takes time, and
 * nothing else does. Each step of the runtime then runs `loopCounter` instructions, and takes some
 * two to three milliseconds.
 */
export class LabClock {
  nowMs = 1000;
  readonly read = (): number => {
    this.nowMs += longerThanSlice;
    return this.nowMs;
  };
}

/** Returns a generator of random whole numbers, the same ones for a seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns a whole number from 0 to `end` - 1. */
  below(end: number): number {
    // xorshift32
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    this.#state >>>= 0;
    return this.#state % end;
  }
}

/** Values of `jitThreshold`: a tenth of v86's own, and more than a test ever runs. */
const lowThreshold = 20_000;
const never = 2 ** 31 - 1;

/** A guest in the lab that moves from one v86 to the next. */
export class LabGuest {
  readonly host: LabHost;
  #machine: V86Runtime;
  runtime: LabRuntime;
  #jitThreshold = lowThreshold;

  private constructor(host: LabHost, machine: V86Runtime, runtime: LabRuntime) {
    this.host = host;
    this.#machine = machine;
    this.runtime = runtime;
  }

  static async boot(runtime: LabRuntime, host: LabHost): Promise<LabGuest> {
    const prepared = await prepareLab(runtime, host, true);
    return new LabGuest(host, prepared.boot() as V86Runtime, runtime);
  }

  get machine(): V86Runtime {
    return this.#machine;
  }

  get cpu(): V86Cpu {
    return this.#machine.core.cpu;
  }

  /** Guest-physical memory, not copied. */
  readonly memory = (address: number, length: number): Uint8Array =>
    this.cpu.mem8.subarray(address, address + length);

  /**
   * Runs about `instructions`, up to the end of a basic block or a compiled page, `times` times.
   */
  async run(instructions: number, times = 1): Promise<void> {
    this.#machine.core.setKnobs({ jitThreshold: this.#jitThreshold, loopCounter: instructions });
    for (let i = 0; i < times; i++) {
      this.#machine.core.step();
      // Like the machine after each slice: keys wait until the guest has read the previous ones.
      this.#machine.ps2.pump();
    }
    // The guest's console output arrives in a microtask.
    await undefined;
  }

  /**
   * Compiled code runs to the end of a loop; without it the guest can be stopped inside the loop. A
   * hand-over turns the compiler on again.
   */
  stopCompiling(): void {
    this.#jitThreshold = never;
    this.cpu.jit_clear_cache();
  }

  /** Performs a live update, with the guest in its present state. */
  async handOver(to: LabRuntime): Promise<void> {
    const prepared = await prepareLab(to, this.host, false);
    await this.#machine.quiesce();
    this.takeOver(prepared, to);
  }

  /** @param prepared of the runtime that receives the guest */
  takeOver(prepared: PreparedRuntime, to: LabRuntime): void {
    const state = this.#machine.save();
    this.#machine.park();
    const next = prepared.load(state) as V86Runtime;
    this.#machine.destroy();
    this.#machine = next;
    this.runtime = to;
    this.#jitThreshold = lowThreshold;
  }
}
