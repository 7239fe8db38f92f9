/** Tells that an option is not acceptable. @param allowed completes the sentence "It may be …" */
export type Refuse = (option: string, value: string, allowed: string) => void;

const booleans: Record<string, boolean> = { '1': true, true: true, '0': false, false: false };

/** @returns undefined where the option is not in the address, or is neither on nor off */
export function urlFlag(
  query: URLSearchParams,
  option: string,
  refuse: Refuse,
): boolean | undefined {
  const text = query.get(option);
  if (text === null) return undefined;
  const value = booleans[text];
  if (value === undefined) refuse(option, text, '1, 0, true or false');
  return value;
}
