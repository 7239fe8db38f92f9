/** The serial console of the playground's guest, for scripts that run before the page's own. */
import type { Machine } from '../../../src/client/types.ts';
import type { PlaygroundWindow } from '../../support/playground-window.ts';
import { ConsoleReader } from './console-reader.ts';
import { wallMs } from './guest-page.ts';

export const playground = () => (window as PlaygroundWindow).holdfast;

export const serialOutput = new ConsoleReader(wallMs);

/** The machine of this page, as soon as it is connected to it. */
export const connected = new Promise<Machine>((resolve) => {
  const timer = setInterval(() => {
    const machine = playground()?.machine;
    if (!machine) return;
    clearInterval(timer);
    machine.on('console', ({ console: name, bytes }) => {
      if (name !== 'serial0') return;
      clearInterval(missed);
      serialOutput.push(bytes);
    });
    // A guest that resumed before this page attached has already written its output, which is in
    // the terminal.
    const missed = setInterval(() => {
      const text = playground()?.terminalText().trimEnd();
      if (!text) return;
      clearInterval(missed);
      serialOutput.push(new TextEncoder().encode(`${text} `));
    }, 1);
    resolve(machine);
  }, 1);
});
