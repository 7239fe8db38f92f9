/**
 * A machine runs in one place. Its keeper holds a Web Lock of the machine's name while the machine
 * exists. The browser releases the lock when the worker ends for any reason. Another keeper that
 * wants the machine asks the holder to release it. The store fences off a holder that does not
 * respond.
 */
import { HoldfastError } from '../../errors.ts';
import { type MachinesMessage, machinesChannel } from '../../protocol/watch.ts';
import { webLocks } from '../../protocol/web-locks.ts';
import { answerTo } from '../../store/answers.ts';

const lockName = (machineId: string) => `holdfast-machine-${machineId}`;
/** Longest time for a holder to save its guest and release the lock, ms. */
const giveUpMs = 15_000;
/** The worker of a reloaded page ends shortly after the new page has begun to load, ms. */
const leavingMs = 1000;

/** Requests of others to the keeper of a machine. */
interface MachineRequests {
  /** Another keeper wants to run the machine: release it. */
  giveUp(machineId: string): void;
  /** A page wants to watch the machine, see {@link MachinesMessage}. */
  watch(machineId: string, channel: string): void;
}

interface MachineLock {
  /** Notifies waiting watchers that the machine is present. */
  announce(): void;
  release(): void;
}

/** @throws HoldfastError `taken-over` when the machine runs elsewhere */
async function holdMachine(
  machineId: string,
  requests: MachineRequests,
  signal: AbortSignal,
): Promise<MachineLock> {
  const manager = webLocks();
  if (!manager) return { announce: () => {}, release: () => {} };
  const release = await new Promise<(() => void) | null>((resolve, reject) => {
    const hold = () => new Promise<void>((release) => resolve(release));
    manager.request(lockName(machineId), { signal }, hold).catch((thrown) => {
      const { name } = thrown as DOMException;
      // If site data is blocked, nothing is stored and no other tab can run the machine.
      if (name === 'SecurityError') resolve(() => {});
      else if (name === 'TimeoutError' || name === 'AbortError') resolve(null);
      else reject(thrown);
    });
  });
  if (!release) throw runsElsewhere();
  const channel = new BroadcastChannel(machinesChannel);
  channel.onmessage = ({ data }: MessageEvent<MachinesMessage>) => {
    if (data.machineId !== machineId) return;
    if (data.type === 'give-up') requests.giveUp(machineId);
    else if (data.type === 'watch') requests.watch(machineId, data.channel);
  };
  return {
    announce: () => channel.postMessage({ type: 'there', machineId } satisfies MachinesMessage),
    release: () => {
      channel.close();
      release();
    },
  };
}

/** The locks of one keeper: one machine, and briefly the one that replaces it. */
export class MachineClaims {
  readonly #locks = new Map<string, MachineLock>();
  readonly #requests: MachineRequests;
  /** Machines whose locks are requested. */
  readonly #pending = new Map<string, { isUnwanted: boolean }>();
  #asked: Promise<void> = Promise.resolve();

  constructor(requests: MachineRequests) {
    this.#requests = requests;
  }

  /**
   * @param until ends the wait for another holder, by a TimeoutError or an error of its own
   * @throws HoldfastError `taken-over` when the machine runs elsewhere, `no-machine` if it is not wanted
   * any more
   */
  async hold(machineId: string, until = AbortSignal.timeout(leavingMs)): Promise<void> {
    if (this.#locks.has(machineId)) return;
    const held = this.#request(machineId, until);
    this.#asked = held.catch(() => {});
    await held;
  }

  async #request(machineId: string, until: AbortSignal): Promise<void> {
    const request = { isUnwanted: false };
    this.#pending.set(machineId, request);
    try {
      const lock = await holdMachine(machineId, this.#requests, until);
      if (request.isUnwanted) {
        lock.release();
        throw new HoldfastError('no-machine', 'The machine was destroyed meanwhile.');
      }
      this.#locks.set(machineId, lock);
    } finally {
      if (this.#pending.get(machineId) === request) this.#pending.delete(machineId);
    }
  }

  holds(machineId: string): boolean {
    return this.#locks.has(machineId);
  }

  /** Resolves when the outcome of the last {@link hold} is known. Never rejects. */
  settled(): Promise<void> {
    return this.#asked;
  }

  /** Announces the machine to watchers. A machine without a lock cannot be watched. */
  announce(machineId: string): void {
    this.#locks.get(machineId)?.announce();
  }

  /** Releases all locks but that of this machine, and those that are requested once they are there. */
  keepOnly(machineId: string | undefined): void {
    for (const [wanted, request] of this.#pending) request.isUnwanted = wanted !== machineId;
    for (const [held, lock] of this.#locks) {
      if (held === machineId) continue;
      lock.release();
      this.#locks.delete(held);
    }
  }
}

/**
 * Asks the keeper of a machine to save and release it, and waits until it has.
 * @throws HoldfastError `busy` if it does not
 */
export async function askForMachine(machineId: string): Promise<void> {
  const manager = webLocks();
  if (!manager) return;
  const channel = new BroadcastChannel(machinesChannel);
  channel.postMessage({ type: 'give-up', machineId } satisfies MachinesMessage);
  channel.close();
  try {
    await manager.request(
      lockName(machineId),
      { signal: AbortSignal.timeout(giveUpMs) },
      () => undefined,
    );
  } catch (cause) {
    throw new HoldfastError(
      'busy',
      `This machine runs in another tab, which did not let go of it within ${giveUpMs / 1000} s. Close that tab, then try again.`,
      { cause },
    );
  }
}

/**
 * Returns the ids of the machines that run anywhere in this browser.
 * @throws HoldfastError `storage-blocked` if the browser does not answer
 */
export async function runningMachines(): Promise<Set<string>> {
  const asked = webLocks()?.query();
  const held = (asked && (await answerTo(asked, 'say which machines run')).held) ?? [];
  const prefix = lockName('');
  return new Set(
    held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : [])),
  );
}

function runsElsewhere(): HoldfastError {
  return new HoldfastError(
    'taken-over',
    'This machine runs in another tab. Continue there, or take it over here.',
  );
}
