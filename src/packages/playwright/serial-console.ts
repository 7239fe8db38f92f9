import type { Page } from '@playwright/test';
import { callMachine } from './call-machine.ts';
import type { TappedWindow } from './page-tap.ts';
import { consoles } from './shown-consoles.ts';
import { step } from './step.ts';
import { waitLimit } from './test-time.ts';
import type { WaitOptions } from './wait-options.ts';

declare const window: TappedWindow & Window;

export interface SerialWaitOptions extends WaitOptions {
  /** Offset of the first output to search, see {@link SerialConsole.end}. */
  from?: number;
}

/** One of the guest's serial ports, or its virtio console. */
export class SerialConsole {
  readonly #page: () => Page;
  /** `serial0` to `serial3`, `virtio-console0`. */
  readonly name: string;

  constructor(page: () => Page, name = 'serial0') {
    this.#page = page;
    this.name = name;
  }

  /** Writes input, as a terminal would. */
  write(data: string): Promise<void> {
    return callMachine(this.#page(), (machine, [name, text]) => machine.consoleInput(name, text), [
      this.name,
      data,
    ] as const);
  }

  /** The output since the machine began, or since `from`. */
  async log(from = 0): Promise<string> {
    const read = await this.#page().evaluate(
      ([name, start]) => window.holdfastTap.read(name, start),
      [this.name, from] as const,
    );
    return read.text;
  }

  /** Bytes that the guest has written since the machine began: the offset of the next one. */
  async end(): Promise<number> {
    const read = await this.#page().evaluate(
      (name) => window.holdfastTap.read(name, Number.POSITIVE_INFINITY),
      this.name,
    );
    return read.end;
  }

  /** Resolves with the match in all output from `from` on. */
  waitFor(pattern: RegExp, options: SerialWaitOptions = {}): Promise<RegExpMatchArray> {
    return step(`${this.name}: wait for ${pattern}`, () => this.#waitFor(pattern, options));
  }

  async #waitFor(
    pattern: RegExp,
    { from = 0, timeout }: SerialWaitOptions,
  ): Promise<RegExpMatchArray> {
    const limit = waitLimit(timeout);
    const match = await this.#page().evaluate(
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
      [this.name, pattern.source, pattern.flags.replace(/[gy]/g, ''), from, limit.ms] as const,
    );
    if (match) return match as RegExpMatchArray;
    throw new Error(
      `${this.name} did not show ${pattern} ${limit.within}.\n${await consoles(this.#page())}`,
    );
  }
}
