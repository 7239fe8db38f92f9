/** Attributes of the element that are probably misspelt ones of its own. */
import { similarName } from '../../client/options/similar-name.ts';

/** HTML's own, those that scripts and frameworks mark elements with, and events. */
const ofOthers =
  /^(?:id|class|style|slot|title|hidden|inert|tabindex|lang|dir|role|part|exportparts|is|nonce|key|ref|on\w+|item\w+|popover|translate|draggable|spellcheck|accesskey|autofocus|contenteditable|enterkeyhint|inputmode)$|[-:@._]/;

interface UnknownAttribute {
  name: string;
  meant?: string;
}

export function unknownAttributes(
  names: Iterable<string>,
  known: readonly string[],
): UnknownAttribute[] {
  const unknown: UnknownAttribute[] = [];
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = similarName(name, known);
    // With a dash it belongs to others, unless it is one of ours with a dash in it.
    if (ofOthers.test(name) && (meant === undefined || meant !== name.replaceAll('-', '')))
      continue;
    unknown.push({ name, ...(meant !== undefined && { meant }) });
  }
  return unknown;
}
