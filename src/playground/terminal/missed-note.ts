/** Marks output in the terminal that the keeper dropped before this page could show it. */
import { formatBytes } from '../ui/format.ts';

/** Ends an escape sequence that was cut, and resets colours. */
const plain = '\x18\x1b[m';

export const missedNote = (bytes: number): string =>
  `${plain}\r\n[${formatBytes(bytes)} of output are missing: the guest wrote faster than this page shows.]\r\n`;
