/** Calls of the machine in a page, from the test. */
import type { Page } from '@playwright/test';
import type { Machine } from '../../client/types.ts';
import { HoldfastError, type HoldfastErrorCode, type RestartPhase } from '../../errors.ts';

/** Globals of a page that hosts a machine. */
export interface HoldfastWindow {
  holdfast?: {
    /** Null until the page is connected to its machine. */
    readonly machine: Machine | null;
  };
}
declare const window: HoldfastWindow & Window;

type Answer<T> =
  | { ok: true; value: T }
  | { ok: false; code: HoldfastErrorCode; message: string; phase: RestartPhase | undefined };

/**
 * Runs `call` in the page. As with Playwright's `page.evaluate`, it cannot use variables of the test, and
 * its result is copied. Errors are rethrown as a {@link HoldfastError}.
 */
export async function callMachine<T, A>(
  page: Page,
  call: (machine: Machine, argument: A) => Promise<T> | T,
  argument: A,
): Promise<T> {
  const answer = (await page.evaluate(
    async ([source, given]) => {
      const machine = window.holdfast?.machine;
      if (!machine) throw new Error('The page has no machine in window.holdfast.machine.');
      const run = new Function(`return (${source})(...arguments);`);
      try {
        return { ok: true, value: await run(machine, given) };
      } catch (thrown) {
        const { code, message, phase } = thrown as HoldfastError;
        if (code === undefined) throw thrown;
        return { ok: false, code, message, phase };
      }
    },
    [String(call), argument] as const,
  )) as Answer<T>;
  if (answer.ok) return answer.value;
  const { code, message, phase } = answer;
  throw new HoldfastError(code, message, phase === undefined ? {} : { phase });
}
