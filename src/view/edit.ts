/** Derives typed keys from a text field before and after. No DOM. */

interface Edit {
  /** Characters to delete before the text is typed, from the first to the last. */
  removed: string[];
  text: string;
}

/** Returns the keys that turn one text into the other, if typed at its end. */
export function editBetween(before: string, after: string): Edit {
  const old = [...before];
  const now = [...after];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  return { removed: old.slice(same), text: now.slice(same).join('') };
}
