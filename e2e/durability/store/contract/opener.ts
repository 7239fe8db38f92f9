/** The places that open a store under test. */
import type { TestType } from '@playwright/test';
import type { Lab, RecordSpec } from '../lab.ts';

declare global {
  /** In the page and in its workers. */
  var lab: Lab;
}

/** A place of its own that can open the store: a worker or a page that has the lab. */
export interface Opener {
  evaluate<Result, Argument>(
    work: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  evaluate<Result>(work: () => Result | Promise<Result>): Promise<Result>;
}

export interface ContractFixtures {
  /** Starts another opener on the same origin. */
  startOpener: () => Promise<Opener>;
}

/** Playwright's `test` of the browser that the store is in. */
export type ContractTest = TestType<ContractFixtures, object>;

const kib = 1024;
/** Records of the usual size; their seeds say what is in them. */
export const specs = (...seeds: number[]): RecordSpec[] =>
  seeds.map((seed) => ({ seed, sizeBytes: 256 * kib }));
