/** Finds the known name that a misspelt one was probably meant to be. */

/**
 * Letters for each allowed mistake. Longer names may have more; a name of two letters is similar to
 * every other.
 */
const lettersPerSlip = 3;
const mostSlips = 2;

/** @returns undefined if none is similar */
export function similarName(name: string, known: Iterable<string>): string | undefined {
  const given = plain(name);
  let best: string | undefined;
  let fewest = Math.min(mostSlips, Math.floor(given.length / lettersPerSlip)) + 1;
  for (const candidate of known) {
    const slips = distance(given, plain(candidate));
    if (slips >= fewest) continue;
    fewest = slips;
    best = candidate;
  }
  return best;
}

const plain = (name: string) => name.toLowerCase().replaceAll(/[-_]/g, '');

/** Counts letters that are missing, extra or different, and neighbours that are swapped. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= a.length; row++) {
    rows[row] = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      rows[row]?.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(a.length, b.length);
}
