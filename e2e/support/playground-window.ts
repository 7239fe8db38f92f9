/** Objects that the playground puts into its window, for code that tests run in it. */
import type { Machine } from '../../src/client/types.ts';

export interface PlaygroundWindow {
  holdfast?: {
    /** Null until the page is connected to its keeper. */
    readonly machine: Machine | null;
    screenText(): string;
    terminalText(): string;
    terminalSize(): { cols: number; rows: number };
  };
}
