/**
 * A machine runs in one place. Whoever runs it holds a Web Lock of its name for as long as the machine
 * is there; the browser gives the lock back when the worker ends, however that happens. Somebody
 * else who wants the machine asks its holder to let go. The store fences off who does not hear.
 */
import { HoldfastError } from '../../errors.ts';
import { type MachinesMessage, machinesChannel } from '../../protocol/watch.ts';
import { webLocks } from '../../protocol/web-locks.ts';
import { answerTo } from '../../store/answers.ts';

const lockName = (machineId: string) => `holdfast-machine-${machineId}`;
/** Longest that a holder may take to save its guest and let go, ms. */
const giveUpMs = 15_000;
/** A worker whose page was reloaded ends a moment after the new page has begun to load, ms. */
const leavingMs = 1000;

/** What others ask of whoever runs a machine. */
interface MachineRequests {
  /** Somebody else wants to run it: to be followed by a release. */
  giveUp(machineId: string): void;
  /** Somebody wants to see it, see {@link MachinesMessage}. */
  watch(machineId: string, channel: string): void;
}

interface MachineLock {
  /** Tells those who wait to watch it that the machine is there. */
  announce(): void;
  release(): void;
}

/** @throws HoldfastError `taken-over` when the machine runs elsewhere */
async function holdMachine(machineId: string, requests: MachineRequests): Promise<MachineLock> {
  const manager = webLocks();
  if (!manager) return { announce: () => {}, release: () => {} };
  const release = await new Promise<(() => void) | null>((resolve, reject) => {
    const hold = () => new Promise<void>((letGo) => resolve(letGo));
    const signal = AbortSignal.timeout(leavingMs);
    manager.request(lockName(machineId), { signal }, hold).catch((thrown) => {
      const { name } = thrown as DOMException;
      // Where site data is blocked nothing is stored, and no other tab can run the machine.
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

/** The machines that one keeper may run: one, and for a moment the one that takes its place. */
export class MachineClaims {
  readonly #locks = new Map<string, MachineLock>();
  readonly #requests: MachineRequests;
  #asked: Promise<void> = Promise.resolve();

  constructor(requests: MachineRequests) {
    this.#requests = requests;
  }

  /** @throws HoldfastError `taken-over` when the machine runs elsewhere */
  async hold(machineId: string): Promise<void> {
    if (this.#locks.has(machineId)) return;
    const held = holdMachine(machineId, this.#requests).then((lock) => {
      this.#locks.set(machineId, lock);
    });
    this.#asked = held.catch(() => {});
    await held;
  }

  holds(machineId: string): boolean {
    return this.#locks.has(machineId);
  }

  /** Resolves when it is known whether the machine asked for last is held. Never rejects. */
  settled(): Promise<void> {
    return this.#asked;
  }

  /** The machine is there from now on. One that is not held can be watched by nobody. */
  announce(machineId: string): void {
    this.#locks.get(machineId)?.announce();
  }

  /** Lets go of all but the machine that is there. */
  keepOnly(machineId: string | undefined): void {
    for (const [held, lock] of this.#locks) {
      if (held === machineId) continue;
      lock.release();
      this.#locks.delete(held);
    }
  }
}

/**
 * Asks whoever runs the machine to save it and let go, and waits until it has.
 * @throws HoldfastError `busy` when it does not
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
 * Ids of the machines that run somewhere in this browser.
 * @throws HoldfastError `storage-blocked` where the browser does not say
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
    'This machine runs in another tab. Go on there, or take it over here.',
  );
}
