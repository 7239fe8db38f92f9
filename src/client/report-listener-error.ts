/**
 * Reports an error of a listener without stopping. A browser receives an `error` event of the
 * window, as for any event target. Node prints it on the console: there, an uncaught error ends the
 * program, and a guest's data must not be able to cause that.
 */
export function reportListenerError(thrown: unknown): void {
  const { reportError } = globalThis as { reportError?: (error: unknown) => void };
  if (reportError) reportError(thrown);
  else console.error('A listener of a Holdfast machine threw:', thrown);
}
