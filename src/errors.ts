/**
 * Every expected failure is a {@link HoldfastError} with one of these codes. Callers
 * switch over the code exhaustively; the message is for people and says what to do.
 */
export const holdfastErrorCodes = [
  /** The browser lacks something a guest cannot run without. */
  'unsupported-browser',
  /** An option of the machine configuration is not acceptable. */
  'bad-config',
  /** A boot image, kernel or firmware could not be fetched or is not what it should be. */
  'image-unavailable',
  /** A runtime's script or wasm could not be fetched, compiled or instantiated. */
  'runtime-unavailable',
  /** A runtime was loaded but speaks another ABI, or cannot take this guest's state. */
  'runtime-incompatible',
  /** The new runtime failed while it took the guest over. */
  'runtime-failed',
  /** Bytes that should be a vmstate are not one, or are damaged. */
  'bad-vmstate',
  /** The operation is not possible in the machine's present runstate. */
  'bad-runstate',
  /** Another operation on this machine is still under way. */
  'busy',
  /** There is no machine yet, or it was destroyed. */
  'no-machine',
  /** There is not enough memory for the guest. */
  'out-of-memory',
  /** The runtime died while it ran the guest (runstate `internal-error`). */
  'guest-crashed',
  /** The guest has used up what it may take of the keeper: see {@link MachineLimits}. */
  'guest-over-limit',
  /** The keeper runs an ABI that this page cannot talk to. */
  'keeper-incompatible',
  /** The keeper's worker could not be started. */
  'keeper-unavailable',
  /** The keeper's worker is gone. */
  'keeper-gone',
  /** The keeper's worker is there but did not answer in time. */
  'keeper-silent',
  /** The guest moved to another keeper, which this page could not follow. It runs there. */
  'keeper-moved',
  /** A mode of CPR is refused by its blockers; the message has their sentences. */
  'blocked',
  /** The state is that of another machine: its configuration or RAM blocks differ. */
  'wrong-machine',
  /** A disk is not the one the state was taken with. */
  'wrong-disk',
  /** There is no store entry, checkpoint or machine of this name. */
  'not-found',
  /** A stored machine was started with a file that is not stored: it has to be given again. */
  'file-needed',
  /** The browser refuses storage: private browsing, or blocked site data. */
  'storage-unavailable',
  /** The storage cannot be opened while another page of this site holds on to it. */
  'storage-blocked',
  /** A newer version of this site has converted the storage. */
  'storage-newer',
  /** The origin's quota is used up. */
  'storage-full',
  /** A foreign machine reached its limit of storage. The rest is kept for the user's own machines. */
  'storage-reserved',
  /** A write failed: the disk is full or fails. What was stored before is left alone. */
  'storage-failing',
  /** Another guest is in storage under this machine's id, and the call does not say `replace`. */
  'storage-occupied',
  /** The stored data is torn or damaged. */
  'storage-damaged',
  /** This machine runs in another tab or browser window now. */
  'taken-over',
  /** The destination does not take the guest; the message says why. The guest runs on at the source. */
  'migration-refused',
  /** A migration broke, or would take the guest away for too long. The guest runs on at the source. */
  'migration-failed',
  /**
   * The destination may run the guest, and does not answer. The guest waits here in `postmigrate`: resume it
   * only if it does not run there.
   */
  'migration-unconfirmed',
  /** The guest moved to another keeper and runs there. */
  'migrated',
  /** A file to write to or to read from failed. */
  'file-failed',
  /** The network backend is not available with these options. */
  'network-unavailable',
  /** The guest does not answer on the console that was asked: no agent there, or it is busy. */
  'guest-silent',
  /** The guest's answer is invalid, or larger than a program should take from it. */
  'guest-failed',
  /** A line of the monitor is no command, or its arguments are not the command's. */
  'bad-command',
  /** Bytes that should be a state file are not one, are damaged, cut off, or claim too much. */
  'bad-state-file',
  /** A state file could not be fetched: not there, not allowed (CORS), or the connection broke. */
  'state-unavailable',
  /** A state file that is read in parts is another one now. */
  'state-changed',
  /** A part of the guest's memory has not arrived, and does not come now. */
  'memory-unavailable',
  /** The base that a state file builds on is not the one that it names. */
  'wrong-base',
  /** A state could not be uploaded, or is too large for a link. */
  'share-failed',
  /** A link that hands a machine over is damaged, used up, or of another key. */
  'bad-link',
  /** The relay between two devices cannot be reached, or has no room. */
  'relay-unavailable',
  /** A fetch that a state file or an address asks for was not approved. */
  'not-approved',
  /** A state file of v86 does not fit the machine options that were given. */
  'wrong-v86-state',
  /** A part of the page that is fetched when it is needed is not available. */
  'part-unavailable',
  /** The site was updated while the page was open, and has not what the page needs any more. */
  'site-updated',
  /** The caller gave it up. */
  'cancelled',
  /** A defect in Holdfast itself. */
  'internal',
] as const;

/** Marks messages of network failures, as opposed to a bad response. */
export const unreachable = 'cannot be reached';

export type HoldfastErrorCode = (typeof holdfastErrorCodes)[number];

/**
 * Step of a restart, a cprSave or a cprLoad that failed. The guest keeps its runtime, and returns to its
 * previous run state. `write` and `read` are the target's and the source's.
 */
export const restartPhases = [
  'fetch',
  'prepare',
  'stop',
  'save',
  'write',
  'read',
  'swap',
  'load',
  'run',
] as const;

export type RestartPhase = (typeof restartPhases)[number];

export interface HoldfastErrorOptions {
  cause?: unknown;
  /** Set on errors of a restart. */
  phase?: RestartPhase;
}

export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: HoldfastErrorCode;
  readonly phase: RestartPhase | undefined;

  constructor(code: HoldfastErrorCode, message: string, options: HoldfastErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.phase = options.phase;
  }

  /** Wraps anything thrown; a HoldfastError stays itself. */
  static from(
    thrown: unknown,
    code: HoldfastErrorCode,
    what: string,
    phase?: RestartPhase,
  ): HoldfastError {
    if (thrown instanceof HoldfastError && (phase === undefined || thrown.phase !== undefined))
      return thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const options: HoldfastErrorOptions = { cause: thrown };
    if (phase !== undefined) options.phase = phase;
    return thrown instanceof HoldfastError
      ? new HoldfastError(thrown.code, thrown.message, options)
      : new HoldfastError(code, `${what}: ${reason}`, options);
  }
}
