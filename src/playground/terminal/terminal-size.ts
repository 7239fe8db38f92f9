/** The font size of the terminal. No DOM. */

/** Size that serial programs assume, because a serial line does not report it. */
export const usualColumns = 80;

const largestPx = 15;

/**
 * The largest font at which 80 columns fit.
 * @param widthPx of the space for text
 * @param advance of one character, in ems: 0.6 for most fonts
 * @param leastPx smallest readable size: columns are given up before it
 */
export function fontSizeFor(widthPx: number, advance: number, leastPx: number): number {
  // Half a pixel is the finest step that browsers lay out evenly.
  const fitting = Math.floor((widthPx / (usualColumns * advance)) * 2) / 2;
  return Math.min(largestPx, Math.max(leastPx, fitting));
}
