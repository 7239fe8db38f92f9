/** Options in the address of the page. No DOM. */
import type { RuntimeBuild } from 'virtual:holdfast-build';
import {
  pageOptionHelp,
  pageOptionNames,
  parsePageOptions,
  type UrlOptions,
  type UrlProblem,
} from './page-options.ts';
import { type UnknownOption, unknownOptions } from './unknown-options.ts';
import { machineOptionHelp, machineUrlNames, parseUrlMachine } from './url-machine.ts';

/** Documented in the help dialog. */
export const optionHelp = [...pageOptionHelp, ...machineOptionHelp];

/** All options before the "#". */
export const knownOptions: readonly string[] = [
  ...new Set([...pageOptionNames, ...machineUrlNames]),
];

export type UrlOptionsResult =
  /** `unknown` are options that are like none of ours. */
  | { ok: true; options: UrlOptions; unknown?: UnknownOption[] }
  | { ok: false; problems: UrlProblem[] };

/**
 * @param address the whole of it: `location.href`. An option that is probably a misspelt one of ours is
 * a problem, others that are not ours are left alone.
 * @param base what relative addresses in it are relative to; absent: the address
 */
export function parseUrlOptions(
  address: string,
  runtimes: readonly RuntimeBuild[],
  base = address,
): UrlOptionsResult {
  const { searchParams: query } = new URL(address);
  const problems: UrlProblem[] = [];
  const machine = parseUrlMachine(query, base, (option, value, allowed) => {
    problems.push({ option, value, allowed });
  });
  const page = parsePageOptions(address, { runtimes, base, machine });
  problems.push(...page.problems);
  const unknown = unknownOptions(query, knownOptions);
  for (const { option, value, meant } of unknown)
    if (meant !== undefined) problems.push({ option, value, allowed: '', meant });
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, options: page.options, ...(unknown.length > 0 && { unknown }) };
}
