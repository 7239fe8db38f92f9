/** Attributes of the element that are probably misspelt. */
import { similarName } from '../../client/options/similar-name.ts';

/** Attributes of HTML, of scripts and frameworks, and of events. */
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
    // A name with a dash belongs to a framework, unless the element has one like it.
    if (ofOthers.test(name) && (meant === undefined || meant !== name.replaceAll('-', '')))
      continue;
    unknown.push({ name, ...(meant !== undefined && { meant }) });
  }
  return unknown;
}
