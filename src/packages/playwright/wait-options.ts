/** As with Playwright's own waits; but guests are slower than pages. */
export interface WaitOptions {
  /** Milliseconds. Default 30,000. A wait ends before the test's own time does, in any case. */
  timeout?: number;
}

export const defaultTimeout = 30_000;
