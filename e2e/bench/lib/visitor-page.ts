/**
 * Types into the playground's guest and reads its console, as a visitor does. The script is parsed
 * before the page's own scripts, while a benchmark measures their loading. So it has nothing else in it.
 */
import type { Machine } from '../../../src/client/types.ts';
import type { PlaygroundWindow } from '../../support/playground-window.ts';
import { ConsoleReader } from './console-reader.ts';
import type { Visitor } from './visitor.ts';

const playground = () => (window as PlaygroundWindow).holdfast;
const output = new ConsoleReader(() => performance.timeOrigin + performance.now());

/** The machine of this page, as soon as it is connected to it. */
const connected = new Promise<Machine>((resolve) => {
  const timer = setInterval(() => {
    const machine = playground()?.machine;
    if (!machine) return;
    clearInterval(timer);
    machine.on('console', ({ console: name, bytes }) => {
      if (name !== 'serial0') return;
      clearInterval(missed);
      output.push(bytes);
    });
    // Output from before that is in the terminal.
    const missed = setInterval(() => {
      const text = playground()?.terminalText().trimEnd();
      if (!text) return;
      clearInterval(missed);
      output.push(new TextEncoder().encode(`${text} `));
    }, 1);
    resolve(machine);
  }, 1);
});

const visitor: Visitor = {
  console: output,
  type: async (text) => (await connected).consoleInput('serial0', text),
  end: async () => (await connected).destroy(),
};

declare global {
  interface Window {
    visitor: Visitor;
  }
}

window.visitor = visitor;
