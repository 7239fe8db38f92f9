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
  /** `unknown` are options that resemble none of this page. */
  | { ok: true; options: UrlOptions; unknown?: UnknownOption[] }
  | { ok: false; problems: UrlProblem[] };

/**
 * @param address the whole of it: `location.href`. A name that resembles an option is reported as
 * misspelt. Other unknown names are ignored.
 * @param base the URL that relative addresses are resolved against; absent: the address
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
