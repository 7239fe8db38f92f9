import { expect, test } from 'vitest';
import { ConsoleLog } from '../client/console-log.ts';
import { RemoteConsole } from '../client/guest-console.ts';
import { ShownConsole } from './shown-console.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** A terminal that shows its input at once, or on demand. */
class FakeTerminal {
  text = '';
  isHeld = false;
  readonly waiting: (() => void)[] = [];

  write(data: string | Uint8Array, written: () => void): void {
    const show = () => {
      this.text += typeof data === 'string' ? data : new TextDecoder().decode(data);
      written();
    };
    if (this.isHeld) this.waiting.push(show);
    else show();
  }

  showAll(): void {
    this.isHeld = false;
    for (const show of this.waiting.splice(0)) show();
  }
}

function makeShown() {
  const log = new ConsoleLog();
  const terminal = new FakeTerminal();
  const shown = new ShownConsole({
    terminal,
    reset: () => {
      terminal.text = '|';
    },
    missed: (count) => `[${count}]`,
  });
  const console = (of = log) => new RemoteConsole('serial0', of, async () => {});
  shown.follow(console());
  let end = 0;
  const print = (text: string, offset = end, again = false) => {
    log.push('serial0', offset, bytes(text), again);
    end = offset + text.length;
  };
  return { log, terminal, shown, console, print };
}

/** All that is under way without a clock. */
const settled = () => new Promise((done) => setImmediate(done));

test('output is shown in order, from before and from now', async () => {
  const { terminal, print } = makeShown();
  print('abc');
  await settled();
  print('def');
  await settled();
  expect(terminal.text).toBe('abcdef');
});

test('a scrollback that begins later is shown, and a gap in the middle is marked', async () => {
  const { terminal, print } = makeShown();
  print('x', 1000);
  await settled();
  print('y', 1001);
  await settled();
  print('z', 1500);
  await settled();
  expect(terminal.text).toBe('xy[498]z');
});

test('a count that begins anew is another machine, after any output of the last one', async () => {
  const { terminal, print } = makeShown();
  print('old guest');
  await settled();
  print('new', 0);
  print(' guest');
  await settled();
  expect(terminal.text).toBe('|new guest');
});

test('a machine that is expected may begin anywhere', async () => {
  const { terminal, shown, print } = makeShown();
  print('old');
  await settled();
  shown.expectNewMachine();
  // The old machine's output continues until the new one starts.
  print(' guest');
  await settled();
  print('new', 5000);
  await settled();
  expect(terminal.text).toBe('|new');
  expect(shown.expectsNewMachine).toBe(false);
  // From then on a gap is one.
  print('!', 6000);
  await settled();
  expect(terminal.text).toBe('|new[997]!');
});

test('output of an old machine is gone when the new one is there, and is not shown again', async () => {
  const { terminal, shown, print } = makeShown();
  print('old');
  await settled();
  shown.expectNewMachine();
  shown.forget();
  expect(terminal.text).toBe('|');
  print('new', 0);
  await settled();
  expect(terminal.text).toBe('|new');
});

test('a reset comes behind what the terminal was given before', async () => {
  const { terminal, shown, print } = makeShown();
  terminal.isHeld = true;
  print('old');
  await settled();
  shown.forget();
  terminal.showAll();
  expect(terminal.text).toBe('|');
});

test('output that another connection to the same keeper sends again is shown once', async () => {
  const { terminal, shown, console, print } = makeShown();
  print('abcdef');
  await settled();
  const log = new ConsoleLog();
  log.push('serial0', 0, bytes('abcd'), true);
  log.push('serial0', 4, bytes('efgh'), true);
  shown.follow(console(log), shown.end);
  await settled();
  print('late');
  log.push('serial0', 8, bytes('i'));
  await settled();
  expect(terminal.text).toBe('abcdefghi');
});

test('repeated output is known as such until the terminal has drawn it', async () => {
  const { terminal, shown, print } = makeShown();
  terminal.isHeld = true;
  print('again', 0, true);
  await settled();
  expect([shown.isShownAgain, shown.shows(5)]).toEqual([true, false]);
  terminal.showAll();
  expect([shown.isShownAgain, shown.shows(5)]).toEqual([false, true]);
});

test('a terminal that is slow is given a few chunks, and then what is newest', async () => {
  const { terminal, print } = makeShown();
  terminal.isHeld = true;
  for (let i = 0; i < 200; i++) {
    print(`${String(i % 10).repeat(64 * 1024)}`);
    await settled();
  }
  expect(terminal.waiting.length).toBeLessThan(8);
  terminal.showAll();
  await settled();
  expect(terminal.text).toMatch(/\[\d{7,}\]/);
  expect(terminal.text.at(-1)).toBe('9');
});
