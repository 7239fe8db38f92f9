/** Stands in the terminal for output that the keeper had to forget before this page could show it. */
import { formatBytes } from '../ui/format.ts';

/** Ends an escape sequence that was cut, and the colours of before. */
const plain = '\x18\x1b[m';

export const missedNote = (bytes: number): string =>
  `${plain}\r\n[${formatBytes(bytes)} of output are missing: the guest wrote faster than this page shows.]\r\n`;
