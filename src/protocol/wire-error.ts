import {
  HoldfastError,
  type HoldfastErrorCode,
  holdfastErrorCodes,
  type RestartPhase,
  restartPhases,
} from '../errors.ts';

/** A {@link HoldfastError} as structured-cloneable data. Additive only: keepers and pages of any age read it. */
export interface WireError {
  code: string;
  message: string;
  phase?: string;
  /** The cause as text: causes may hold anything, and not everything can be cloned. */
  cause?: string;
}

/** Converts any thrown value to data. A value that is not a HoldfastError becomes `internal`. */
export function toWireError(thrown: unknown): WireError {
  const error = adoptHoldfastError(thrown);
  if (!(error instanceof HoldfastError)) {
    return { code: 'internal', message: textOf(error), cause: detailOf(error) };
  }
  const wire: WireError = { code: error.code, message: error.message };
  if (error.phase !== undefined) wire.phase = error.phase;
  if (error.cause !== undefined) wire.cause = detailOf(error.cause);
  return wire;
}

/** Reverses {@link toWireError}. A code that is unknown on this side becomes `internal`. */
export function fromWireError(value: unknown): HoldfastError {
  const wire: Partial<WireError> = typeof value === 'object' && value !== null ? value : {};
  const code = isCode(wire.code) ? wire.code : 'internal';
  return new HoldfastError(code, String(wire.message ?? 'The keeper reported no reason.'), {
    ...(wire.cause !== undefined && { cause: wire.cause }),
    ...(isPhase(wire.phase) && { phase: wire.phase }),
  });
}

/** The name of the class, and its name in runtimes of the first release. */
const names = ['HoldfastError', 'CprError'];

/**
 * Converts a HoldfastError of another bundle to one of this bundle; other values pass through.
 * Runtimes are bundled separately with their own copy of the class, which `instanceof` does not
 * recognise.
 */
export function adoptHoldfastError(thrown: unknown): unknown {
  if (thrown instanceof HoldfastError || !(thrown instanceof Error)) return thrown;
  const { code, phase } = thrown as Partial<HoldfastError>;
  if (!names.includes(thrown.name) || !isCode(code)) return thrown;
  return new HoldfastError(code, thrown.message, {
    cause: thrown.cause,
    ...(isPhase(phase) && { phase }),
  });
}

function isCode(value: unknown): value is HoldfastErrorCode {
  return holdfastErrorCodes.some((code) => code === value);
}

function isPhase(value: unknown): value is RestartPhase {
  return restartPhases.some((phase) => phase === value);
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}

function detailOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? String(thrown)) : String(thrown);
}
