/** A guest as somebody at the page sees it. */
import type { Page } from '@playwright/test';
import { CprError, type CprErrorCode, type RestartPhase } from '../errors.ts';
import type { ExecuteOptions, ExecuteResult } from '../machine/agent.ts';
import type { Machine } from '../machine/types.ts';
import type { MachineConfig } from '../protocol/config.ts';
import type { MachineStatus } from '../protocol/events.ts';
import type { RestartReport, RuntimeSource } from '../protocol/keeper-api.ts';
import { installTap, type TappedWindow } from './page-tap.ts';
import { keyFor } from './us-keyboard.ts';

/** What the playground puts into its window. */
interface PlaygroundWindow extends TappedWindow {
  holdfast?: {
    readonly machine: Machine | null;
    screenText(): string;
    terminalText(): string;
  };
}
declare const window: PlaygroundWindow;

export interface RunResult {
  /** What the command wrote, with `\n` line ends. */
  output: string;
  exitCode: number;
}

export interface WaitOptions {
  /** Look only at what came after this offset, see {@link SerialConsole.end}. */
  from?: number;
  timeoutMs?: number;
}

export type ConfigChange = { [Option in keyof MachineConfig]?: MachineConfig[Option] | undefined };

const defaultTimeoutMs = 20_000;
const shownBytes = 2000;
/** busybox's line editor has room for 1,024. */
const longestLine = 1000;

/** The guest's first serial port. */
export class SerialConsole {
  readonly #page: Page;
  readonly #name: string;

  constructor(page: Page, name = 'serial0') {
    this.#page = page;
    this.#name = name;
  }

  /** Types on it, as the terminal would. */
  async write(data: string): Promise<void> {
    await callMachine(this.#page, (machine, [name, text]) => machine.consoleInput(name, text), [
      this.#name,
      data,
    ] as const);
  }

  /** What the guest has written since the machine began, or since `from`. */
  async log(from = 0): Promise<string> {
    const read = await this.#page.evaluate(
      ([name, start]) => window.holdfastTap.read(name, start),
      [this.#name, from] as const,
    );
    return read.text;
  }

  /** Bytes that the guest has written since the machine began: where the next one will be. */
  async end(): Promise<number> {
    const read = await this.#page.evaluate(
      (name) => window.holdfastTap.read(name, Number.POSITIVE_INFINITY),
      this.#name,
    );
    return read.end;
  }

  /** Resolves with the match in everything that was written from `from` on. */
  async waitFor(pattern: RegExp, options: WaitOptions = {}): Promise<RegExpMatchArray> {
    const { from = 0, timeoutMs = defaultTimeoutMs } = options;
    const match = await this.#page.evaluate(
      ([name, source, flags, start, limitMs]) =>
        new Promise<string[] | null>((resolve) => {
          const test = new RegExp(source, flags);
          window.holdfastTap.follow(name, () => {
            const found = test.exec(window.holdfastTap.read(name, start).text);
            if (found) resolve([...found]);
            return found !== null;
          });
          setTimeout(() => resolve(null), limitMs);
        }),
      [this.#name, pattern.source, pattern.flags.replace(/[gy]/g, ''), from, timeoutMs] as const,
    );
    if (match) return match as RegExpMatchArray;
    throw new Error(
      `The serial console did not show ${pattern} within ${timeoutMs} ms.\n${await consoles(this.#page)}`,
    );
  }
}

export class Guest {
  readonly page: Page;
  readonly serial: SerialConsole;
  #runs = 0;

  private constructor(page: Page) {
    this.page = page;
    this.serial = new SerialConsole(page);
  }

  /** Prepares a page for a guest; to be called before the page goes anywhere. */
  static async in(page: Page): Promise<Guest> {
    await page.addInitScript(installTap);
    return new Guest(page);
  }

  /**
   * Opens the page and waits until it is attached to a guest. A guest that is started boots, unless
   * the address has a `boot` of its own.
   */
  async open(url: string): Promise<void> {
    await this.page.goto(withColdBoot(url));
    await this.attached();
  }

  async reloadPage(): Promise<void> {
    await this.page.reload();
    await this.attached();
  }

  /** Waits until the page that is open is attached to a guest. */
  async attached(): Promise<void> {
    await this.waitUntil(
      () => window.holdfast?.machine?.status != null,
      'The page did not attach to a guest',
    );
  }

  /** Waits for something in the page. */
  async waitUntil(
    predicate: () => boolean,
    otherwise: string,
    timeoutMs = defaultTimeoutMs,
  ): Promise<void> {
    try {
      await this.page.waitForFunction(predicate, undefined, { timeout: timeoutMs, polling: 50 });
    } catch (cause) {
      throw new Error(
        `${otherwise} within ${timeoutMs} ms.\n${await consoles(this.page)}\n--- notices ---\n${await notices(this.page)}`,
        { cause },
      );
    }
  }

  waitForSerial(pattern: RegExp, options?: WaitOptions): Promise<RegExpMatchArray> {
    return this.serial.waitFor(pattern, options);
  }

  /** The text on the VGA screen; empty in graphics. */
  screenText(): Promise<string> {
    return this.page.evaluate(() => window.holdfast?.screenText() ?? '');
  }

  /** The text of the terminal in the page, scrollback included. */
  terminalText(): Promise<string> {
    return this.page.evaluate(() => window.holdfast?.terminalText() ?? '');
  }

  /** Waits until the VGA screen shows something. */
  async waitForText(pattern: RegExp, { timeoutMs = defaultTimeoutMs } = {}): Promise<void> {
    try {
      await this.page.waitForFunction(
        ([source, flags]) => new RegExp(source, flags).test(window.holdfast?.screenText() ?? ''),
        [pattern.source, pattern.flags.replace(/[gy]/g, '')] as const,
        { timeout: timeoutMs, polling: 50 },
      );
    } catch (cause) {
      throw new Error(
        `The screen did not show ${pattern} within ${timeoutMs} ms.\n${await consoles(this.page)}`,
        { cause },
      );
    }
  }

  /** Types on the PC keyboard: real key events on the screen in the page. */
  async type(text: string): Promise<void> {
    const { keyboard } = this.page;
    await this.page.locator('#screen-canvas').focus();
    for (const character of text) {
      const { code, shift } = keyFor(character);
      if (shift) await keyboard.down('ShiftLeft');
      await keyboard.press(code);
      if (shift) await keyboard.up('ShiftLeft');
    }
  }

  /** Presses a key or a combination as Playwright names them: `Enter`, `Control+KeyC`. */
  async sendKey(name: string): Promise<void> {
    await this.page.locator('#screen-canvas').focus();
    await this.page.keyboard.press(name);
  }

  /**
   * Runs a command, of one or more lines, in the shell on the serial console, which must be at its
   * prompt.
   */
  async run(command: string, options: WaitOptions = {}): Promise<RunResult> {
    if (command.split('\n').some((line) => line.length > longestLine)) {
      throw new Error(`The guest's shell reads no lines longer than ${longestLine} characters.`);
    }
    const from = await this.serial.end();
    const id = `${Date.now().toString(36)}.${this.#runs++}`;
    // Ctrl-U: what is on the line already, as a late answer of the terminal, is not part of it. The
    // quotes are gone in what the shell writes, but not in the echo of what it was given.
    await this.serial.write(`\x15{ echo B''EGIN ${id}\n${command}\n}; echo E''ND ${id} $?\n`);
    const [, output = '', exitCode] = await this.waitForSerial(
      new RegExp(`BEGIN ${id}\\r\\n([\\s\\S]*?)END ${id} (\\d+)`),
      { ...options, from },
    );
    return { output: output.replaceAll('\r\n', '\n'), exitCode: Number(exitCode) };
  }

  /** Runs shell code in the guest through its agent: beside whatever the shells are doing. */
  execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResult> {
    return this.machine((machine, [text, given]) => machine.execute(text, given), [
      code,
      options,
    ] as const);
  }

  /** Calls the API of the machine in the page. What it throws arrives as a CprError. */
  machine<T, A = undefined>(
    call: (machine: Machine, argument: A) => Promise<T> | T,
    argument?: A,
  ): Promise<T> {
    return callMachine(this.page, call, argument as A);
  }

  /**
   * Starts a machine in place of the one that runs: that one's configuration with `change`, where
   * `undefined` takes an option away.
   */
  async start(runtime: RuntimeSource, change: ConfigChange = {}): Promise<void> {
    // Its consoles begin anew, and nothing that the machine before said is to be taken for its output.
    await this.page.evaluate(() => window.holdfastTap.clear());
    const { config } = await this.status();
    const asked = Object.entries({ ...config, ...change }).filter(
      ([, value]) => value !== undefined,
    );
    await this.machine(
      (machine, given) => machine.start(given.config, given.runtime, { replace: true }),
      { config: Object.fromEntries(asked) as unknown as MachineConfig, runtime },
    );
  }

  async status(): Promise<MachineStatus> {
    const status = await this.machine((machine) => machine.status);
    if (!status) throw new Error('There is no machine.');
    return status;
  }

  liveUpdate(runtime: RuntimeSource): Promise<RestartReport> {
    return this.machine((machine, to) => machine.restart({ runtime: to }), runtime);
  }

  /** What to look at when something went wrong. */
  describe(): Promise<string> {
    return consoles(this.page);
  }
}

function withColdBoot(address: string): string {
  const url = new URL(address);
  if (!url.searchParams.has('boot')) url.searchParams.set('boot', 'cold');
  return url.href;
}

type Answer<T> =
  | { ok: true; value: T }
  | { ok: false; code: CprErrorCode; message: string; phase: RestartPhase | undefined };

async function callMachine<T, A>(
  page: Page,
  call: (machine: Machine, argument: A) => Promise<T> | T,
  argument: A,
): Promise<T> {
  const answer = (await page.evaluate(
    async ([source, given]) => {
      const machine = window.holdfast?.machine;
      if (!machine) throw new Error('The page has no machine.');
      const run = new Function(`return (${source})(...arguments);`);
      try {
        return { ok: true, value: await run(machine, given) };
      } catch (thrown) {
        const { code, message, phase } = thrown as CprError;
        if (code === undefined) throw thrown;
        return { ok: false, code, message, phase };
      }
    },
    [String(call), argument] as const,
  )) as Answer<T>;
  if (answer.ok) return answer.value;
  const { code, message, phase } = answer;
  throw new CprError(code, message, phase === undefined ? {} : { phase });
}

async function consoles(page: Page): Promise<string> {
  const read = page
    .evaluate(
      () => ({
        serial: window.holdfastTap?.read('serial0', 0).text ?? '',
        screen: window.holdfast?.screenText() ?? '',
      }),
      undefined,
    )
    .catch((error: Error) => ({ serial: `(${error.message})`, screen: '' }));
  const { serial, screen } = await read;
  return `--- serial console ---\n${serial.slice(-shownBytes)}\n--- screen ---\n${screen.trimEnd()}`;
}

function notices(page: Page): Promise<string> {
  return page
    .locator('#notices, .full-page')
    .allInnerTexts()
    .then((texts) => texts.join('\n'))
    .catch((error: Error) => `(${error.message})`);
}
