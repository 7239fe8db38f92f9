/**
 * Tells what a listener of the library's user has thrown, and goes on: in a browser as an `error` event of
 * the window, as for any event target; in Node on the console. There, an uncaught error ends the program,
 * and what a guest sends must not be able to.
 */
export function reportListenerError(thrown: unknown): void {
  const { reportError } = globalThis as { reportError?: (error: unknown) => void };
  if (reportError) reportError(thrown);
  else console.error('A listener of a Holdfast machine threw:', thrown);
}
