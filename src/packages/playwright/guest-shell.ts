/** Commands in the guest: through its agent, and through the shell on its serial console. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from '@playwright/test';
import type { ExecuteResult } from '../../client/agent.ts';
import { callMachine } from './call-machine.ts';
import type { SerialConsole, SerialWaitOptions } from './serial-console.ts';
import { consoles } from './shown-consoles.ts';
import { brief } from './step.ts';
import { waitLimit } from './test-time.ts';
import type { WaitOptions } from './wait-options.ts';

export interface RunResult {
  /** Output of the command, with `\n` line ends. */
  output: string;
  exitCode: number;
}

/** busybox's line editor has room for 1,024. */
const longestLine = 1000;
/** Time for a try that is under way at the timeout. */
const lastTryMs = 10_000;
/** Interval between two tries. Each starts a process in the guest. */
const retryMs = 100;

export class GuestShell {
  readonly #page: () => Page;
  readonly #serial: SerialConsole;
  #runs = 0;

  constructor(page: () => Page, serial: SerialConsole) {
    this.#page = page;
    this.#serial = serial;
  }

  async execute(code: string, { timeout }: WaitOptions = {}): Promise<ExecuteResult> {
    const limit = waitLimit(timeout);
    try {
      return await callMachine(
        this.#page(),
        (machine, [text, timeoutMs]) => machine.execute(text, { timeoutMs }),
        [code, limit.ms] as const,
      );
    } catch (error) {
      if (error instanceof Error) {
        const message = error.message.replace(`within ${limit.ms} ms`, limit.within);
        error.message = `${message}\n${await consoles(this.#page())}`;
      }
      throw error;
    }
  }

  async succeed(code: string, options?: WaitOptions): Promise<string> {
    const result = await this.execute(code, options);
    if (result.exitCode === 0) return result.stdout;
    throw await this.#unexpected(code, 'failed', result);
  }

  async fail(code: string, options?: WaitOptions): Promise<string> {
    const result = await this.execute(code, options);
    if (result.exitCode !== 0) return result.stdout;
    throw await this.#unexpected(code, 'succeeded', result);
  }

  async waitUntil(code: string, success: boolean, { timeout }: WaitOptions = {}): Promise<string> {
    const limit = waitLimit(timeout);
    const endMs = performance.now() + limit.ms;
    for (;;) {
      const leftMs = endMs - performance.now();
      const result = await this.execute(code, { timeout: Math.max(lastTryMs, leftMs) });
      if ((result.exitCode === 0) === success) return result.stdout;
      if (performance.now() + retryMs > endMs) {
        const still = success ? 'still failed' : 'still succeeded';
        throw await this.#unexpected(
          code,
          `${still} ${limit.within.replace('within', 'after')}`,
          result,
        );
      }
      await wait(retryMs);
    }
  }

  async waitForFile(path: string, options?: WaitOptions): Promise<void> {
    await this.waitUntil(`[ -e ${quoted(path)} ]`, true, options);
  }

  async run(command: string, options: SerialWaitOptions = {}): Promise<RunResult> {
    if (command.split('\n').some((line) => line.length > longestLine)) {
      throw new Error(`The guest's shell reads no lines longer than ${longestLine} characters.`);
    }
    const from = await this.#serial.end();
    const id = `${Date.now().toString(36)}.${this.#runs++}`;
    // Ctrl-U clears the line, for example of a late answer of the terminal. The shell's output lacks the
    // quotes, which the echo of the command has.
    await this.#serial.write(`\x15{ echo B''EGIN ${id}\n${command}\n}; echo E''ND ${id} $?\n`);
    const [, output = '', exitCode] = await this.#serial.waitFor(runAnswer(id), {
      ...options,
      from,
    });
    return { output: output.replaceAll('\r\n', '\n'), exitCode: Number(exitCode) };
  }

  async #unexpected(code: string, what: string, result: ExecuteResult): Promise<Error> {
    return new Error(
      `"${brief(code, 200)}" ${what}, with status ${result.exitCode}.\n` +
        `${shownOutput(result)}\n${await consoles(this.#page())}`,
    );
  }
}

/** Matches output and status of a command. The line is whole: output arrives in pieces of any size. */
export const runAnswer = (id: string) =>
  new RegExp(`BEGIN ${id}\\r\\n([\\s\\S]*?)END ${id} (\\d+)\\r\\n`);

/** Output of a command, for an error. */
export function shownOutput({ stdout, stderr }: ExecuteResult): string {
  const part = (name: string, text: string) => `--- standard ${name} ---\n${text.slice(-2000)}`;
  return part('output', stdout) + (stderr && `\n${part('error', stderr)}`);
}

/** Quotes text as one word of a shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
