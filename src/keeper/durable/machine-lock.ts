/**
 * A machine runs in one place. Whoever runs it holds a Web Lock of its name for as long as the machine
 * is there; the browser gives the lock back when the worker ends, however that happens. Somebody
 * else who wants the machine asks its holder to let go. The store fences off who does not hear.
 */
import { CprError } from '../../errors.ts';

const lockName = (machineId: string) => `holdfast-machine-${machineId}`;
const channelName = 'holdfast-machines';
/** Longest that a holder may take to save its guest and let go, ms. */
const giveUpMs = 15_000;

interface GiveUpMessage {
  type: 'give-up';
  machineId: string;
}

// Missing on insecure origins, whatever the types say.
const locks = () => navigator.locks as LockManager | undefined;

export interface MachineLock {
  release(): void;
}

/**
 * @param givenUp called when somebody else asks for the machine: to be followed by `release`
 * @throws CprError `taken-over` when the machine runs elsewhere
 */
export async function holdMachine(machineId: string, givenUp: () => void): Promise<MachineLock> {
  const manager = locks();
  if (!manager) return { release: () => {} };
  const release = await new Promise<(() => void) | null>((resolve, reject) => {
    const hold = (lock: Lock | null) => {
      if (!lock) return resolve(null);
      return new Promise<void>((letGo) => resolve(letGo));
    };
    manager.request(lockName(machineId), { ifAvailable: true }, hold).catch((thrown) => {
      // Where site data is blocked nothing is stored, and no other tab can run the machine.
      if (thrown instanceof DOMException && thrown.name === 'SecurityError') resolve(() => {});
      else reject(thrown);
    });
  });
  if (!release) throw runsElsewhere();
  const channel = new BroadcastChannel(channelName);
  channel.onmessage = ({ data }: MessageEvent<Partial<GiveUpMessage>>) => {
    if (data.type === 'give-up' && data.machineId === machineId) givenUp();
  };
  return {
    release: () => {
      channel.close();
      release();
    },
  };
}

/** The machines that one keeper may run: one, and for a moment the one that takes its place. */
export class MachineClaims {
  readonly #locks = new Map<string, MachineLock>();
  readonly #givenUp: (machineId: string) => void;

  /** @param givenUp see {@link holdMachine} */
  constructor(givenUp: (machineId: string) => void) {
    this.#givenUp = givenUp;
  }

  /** @throws CprError `taken-over` when the machine runs elsewhere */
  async hold(machineId: string): Promise<void> {
    if (this.#locks.has(machineId)) return;
    this.#locks.set(machineId, await holdMachine(machineId, () => this.#givenUp(machineId)));
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
 * @throws CprError `busy` when it does not
 */
export async function askForMachine(machineId: string): Promise<void> {
  const manager = locks();
  if (!manager) return;
  const channel = new BroadcastChannel(channelName);
  channel.postMessage({ type: 'give-up', machineId } satisfies GiveUpMessage);
  channel.close();
  try {
    await manager.request(
      lockName(machineId),
      { signal: AbortSignal.timeout(giveUpMs) },
      () => undefined,
    );
  } catch (cause) {
    throw new CprError(
      'busy',
      `This machine runs in another tab, which did not let go of it within ${giveUpMs / 1000} s. Close that tab, then try again.`,
      { cause },
    );
  }
}

/** Ids of the machines that run somewhere in this browser. */
export async function runningMachines(): Promise<Set<string>> {
  const held = (await locks()?.query())?.held ?? [];
  const prefix = lockName('');
  return new Set(
    held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : [])),
  );
}

function runsElsewhere(): CprError {
  return new CprError(
    'taken-over',
    'This machine runs in another tab. Go on there, or take it over here.',
  );
}
