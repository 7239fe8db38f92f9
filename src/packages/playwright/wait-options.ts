/** As with Playwright's own waits, but guests are slower than pages. */
export interface WaitOptions {
  /** Milliseconds. Default 30,000. A wait always ends before the test's own time does. */
  timeout?: number;
}

export const defaultTimeout = 30_000;
