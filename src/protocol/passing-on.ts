/** Methods that only pass a call on, made from a list of names. */

export interface PassesOn<Calls> {
  /** Returns the object that answers the calls now. An error it throws rejects the call. */
  answering(): Calls;
}

/**
 * Makes a base class with a method for each of these calls. A method hands its arguments to the call of
 * that name of {@link PassesOn.answering}. A class that extends it defines that.
 */
export function passingOn<Calls extends object>(
  names: readonly (keyof Calls)[],
): abstract new () => Calls & PassesOn<Calls> {
  abstract class PassingOn {
    abstract answering(): Calls;
  }
  for (const name of names) {
    const value = async function (this: PassingOn, ...args: unknown[]): Promise<unknown> {
      const calls = this.answering();
      return (calls[name] as (...args: unknown[]) => unknown).apply(calls, args);
    };
    Object.defineProperty(PassingOn.prototype, name, { value, configurable: true, writable: true });
  }
  return PassingOn as unknown as abstract new () => Calls & PassesOn<Calls>;
}
