/** Types the keys of `?c=` and `?s=` once the guest is up. */
import type { Machine } from '../../client/types.ts';
import type { UrlOptions } from '../address/page-options.ts';
import type { Notices } from '../notices/notices.tsx';

interface TypedOptions {
  machine: Machine;
  notices: Notices;
  typed: NonNullable<UrlOptions['typed']>;
  /** Text on the guest's consoles when it waits for input. Absent: the keys are typed at once. */
  prompt?: string | undefined;
  screenText(): string;
}

/** Long enough for a boot on a slow machine. */
const patienceMs = 300_000;

/**
 * Waits for the guest, types, and shows a notice.
 * @throws HoldfastError
 */
export async function typeFromAddress(options: TypedOptions): Promise<void> {
  const { machine, notices, typed, prompt } = options;
  notices.show('typed', {
    tone: 'info',
    title: 'The address of this page types into the guest',
    text: 'The author of the address chose the text.',
    items: [
      ...(typed.keyboard ? [{ what: 'Keyboard', value: typed.keyboard }] : []),
      ...(typed.serial ? [{ what: 'Serial console', value: typed.serial }] : []),
    ],
  });
  const serial = machine.console('serial0');
  if (typed.serial) {
    if (prompt) await serial.waitFor(literally(prompt), { timeoutMs: patienceMs });
    await serial.write(`${typed.serial}\n`);
  }
  if (typed.keyboard) {
    if (prompt) await screenShows(options, prompt.trimEnd());
    await machine.type(`${typed.keyboard}\n`);
  }
}

function screenShows({ machine, screenText }: TypedOptions, text: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!screenText().includes(text)) return;
      for (const stop of stops) stop();
      resolve();
    };
    // A new page gets the whole screen once, then the rows that change.
    const stops = [machine.on('screen-text', look), machine.on('screen-cells', look)];
    look();
  });
}

const literally = (text: string) => new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
