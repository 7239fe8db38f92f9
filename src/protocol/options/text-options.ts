/**
 * Options as text, as in the attributes of an element (`hda="range:disk.img" memorymib="256"`). Names are
 * read without regard to case, because HTML has none.
 */
import { optionNames, optionTable } from './option-table.ts';

const byLowerCase = new Map(optionNames.map((name) => [name.toLowerCase(), name]));

/**
 * Returns the options among `texts`, still to be checked. Other names are ignored.
 * @param texts pairs such as those of a `URLSearchParams`
 */
export function textOptions(texts: Iterable<readonly [string, string]>): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, text] of texts) {
    const option = byLowerCase.get(name.toLowerCase());
    if (option) options[option] = optionTable[option].fromText(text);
  }
  return options;
}
