/**
 * A reporter that keeps the tag `@slow` true: a test that gives itself more time than others has it.
 * What took long without the tag is listed; how long that is depends on the computer.
 */
import type {
  FullConfig,
  FullResult,
  Reporter,
  TestCase,
  TestResult,
  TestStep,
} from '@playwright/test/reporter';

const slowTag = '@slow';
const usualLimitMs = 120_000;
const longMs = 20_000;

export default class SlowTests implements Reporter {
  readonly #untagged = new Set<string>();
  readonly #long: string[] = [];
  #root = '';

  onBegin(config: FullConfig): void {
    this.#root = config.rootDir;
  }

  onTestEnd(test: TestCase, { duration, status, steps }: TestResult): void {
    if (test.tags.includes(slowTag) || status === 'skipped') return;
    const { file, line } = test.location;
    const name = `${file.replace(`${this.#root}/`, '')}:${line} ${test.title}`;
    if (test.timeout > usualLimitMs + hooksMs(steps)) this.#untagged.add(name);
    else if (duration > longMs) this.#long.push(`${name} (${Math.round(duration / 1000)} s)`);
  }

  onEnd(): Promise<{ status?: FullResult['status'] } | undefined> {
    if (this.#long.length > 0)
      console.log(`\nTook more than ${longMs / 1000} s without ${slowTag}:\n${lines(this.#long)}`);
    if (this.#untagged.size === 0) return Promise.resolve(undefined);
    console.error(`\nA test with a limit of its own has the tag ${slowTag}:`);
    console.error(lines([...this.#untagged]));
    return Promise.resolve({ status: 'failed' });
  }

  printsToStdio(): boolean {
    return false;
  }
}

/** Fixtures extend a test's limit by the time that they take to prepare its guest. */
const hooksMs = (steps: readonly TestStep[]) =>
  steps.reduce((sum, { category, duration }) => sum + (category === 'hook' ? duration : 0), 1);

const lines = (names: readonly string[]) => names.map((name) => `  ${name}`).join('\n');
