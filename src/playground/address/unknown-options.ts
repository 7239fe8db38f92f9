/** Options in the address that this page does not know. No DOM. */
import { similarName } from '../../client/options/similar-name.ts';

/** Options that other sites add to links for their statistics. */
const ofTrackers = /^(?:utm_|_ga|_gl|mc_[ce]id$|ref$)|clid$/;

export interface UnknownOption {
  option: string;
  value: string;
  /** The option that was probably meant. */
  meant?: string;
}

export const isOfTracker = (option: string): boolean => ofTrackers.test(option);

/** Returns unknown options of an address. Parameters of trackers are ignored. */
export function unknownOptions(query: URLSearchParams, known: readonly string[]): UnknownOption[] {
  const unknown: UnknownOption[] = [];
  for (const [option, value] of query) {
    if (known.includes(option) || isOfTracker(option)) continue;
    const meant = similarName(option, known);
    unknown.push({ option, value, ...(meant !== undefined && { meant }) });
  }
  return unknown;
}
