/**
 * Every expected failure is a {@link CprError} with one of these codes. Callers
 * switch over the code exhaustively; the message is for people and says what to do.
 */
export type CprErrorCode =
  /** The browser lacks something a guest cannot run without. */
  | 'unsupported-browser'
  /** An option of the machine configuration is not acceptable. */
  | 'bad-config'
  /** A boot image, kernel or firmware could not be fetched or is not what it should be. */
  | 'image-unavailable'
  /** A runtime's script or wasm could not be fetched, compiled or instantiated. */
  | 'runtime-unavailable'
  /** A runtime was loaded but speaks another ABI, or cannot take this guest's state. */
  | 'runtime-incompatible'
  /** The new runtime failed while it took the guest over. */
  | 'runtime-failed'
  /** Bytes that should be a vmstate are not one, or are damaged. */
  | 'bad-vmstate'
  /** The operation is not possible in the machine's present runstate. */
  | 'bad-runstate'
  /** Another operation on this machine is still under way. */
  | 'busy'
  /** There is no machine yet, or it was destroyed. */
  | 'no-machine'
  /** There is not enough memory for the guest. */
  | 'out-of-memory'
  /** The emulator died while it ran the guest (runstate `internal-error`). */
  | 'guest-crashed'
  /** The keeper runs an ABI that this page cannot talk to. */
  | 'keeper-incompatible'
  /** The keeper's worker could not be started. */
  | 'keeper-unavailable'
  /** The keeper's worker is gone. */
  | 'keeper-gone'
  /** The keeper's worker is there but did not answer in time. */
  | 'keeper-silent'
  /** A defect in Holdfast itself. */
  | 'internal';

/** Where in a restart something failed; the guest is back on the old runtime in each case. */
export type RestartPhase = 'fetch' | 'prepare' | 'stop' | 'save' | 'swap' | 'load' | 'run';

export interface CprErrorOptions {
  cause?: unknown;
  /** Set on errors of a restart. */
  phase?: RestartPhase;
}

export class CprError extends Error {
  override readonly name = 'CprError';
  readonly code: CprErrorCode;
  readonly phase: RestartPhase | undefined;

  constructor(code: CprErrorCode, message: string, options: CprErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.phase = options.phase;
  }

  /** Wraps anything thrown; a CprError stays itself. */
  static from(thrown: unknown, code: CprErrorCode, what: string, phase?: RestartPhase): CprError {
    if (thrown instanceof CprError && (phase === undefined || thrown.phase !== undefined))
      return thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const options: CprErrorOptions = { cause: thrown };
    if (phase !== undefined) options.phase = phase;
    return thrown instanceof CprError
      ? new CprError(thrown.code, thrown.message, options)
      : new CprError(code, `${what}: ${reason}`, options);
  }
}
