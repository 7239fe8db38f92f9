/** As with Playwright's own waits; but guests are slower than pages. */
export interface WaitOptions {
  /** Milliseconds. Default 30,000. */
  timeout?: number;
}

export const defaultTimeout = 30_000;
