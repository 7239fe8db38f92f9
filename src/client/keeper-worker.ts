import { HoldfastError } from '../errors.ts';
import { firstNameOf, type KeeperAddress, keeperAmong } from '../protocol/keeper-lookup.ts';
import { scriptUrl } from '../protocol/script-url.ts';
import { webLocks } from '../protocol/web-locks.ts';
import { defaultMachineId, isMachineId } from './machine-id.ts';
import { hasExtendedLifetime, isSiteDataBlocked } from './support.ts';

/** Options that select the worker. */
export interface KeeperWorkerOptions {
  /** URL of keeper.js, absolute or relative to the document. Never hashed, never versioned. */
  keeperUrl: string;
  /**
   * Id of the machine: each has a separate keeper. Lower-case letters, digits and `-`. Default
   * `default`.
   */
  machineId?: string;
  /**
   * `auto`: a shared worker that outlives the page if the browser has them, otherwise a dedicated
   * worker that ends with it. `dedicated` forces the latter.
   */
  host?: 'auto' | 'dedicated';
}

/** The worker that the keeper runs in, as this page uses it. */
export interface KeeperWorker {
  /** Port for calls. */
  readonly port: MessagePort;
  /** Rejects with `keeper-unavailable` if the worker's script cannot be loaded or run. */
  readonly failed: Promise<never>;
  /** Leaves a shared worker running; ends a dedicated one, which no other client can reach. */
  leave(): void;
  /** Address of a shared worker. */
  address?: KeeperAddress;
  /** Opens another shared worker of this origin, with the same options. */
  another?(address: KeeperAddress): KeeperWorker;
  /** URL of the keeper's script in this page's build. */
  ownUrl?: string;
}

/**
 * Opens the worker that has the machine now: [KL4].
 * @throws HoldfastError `keeper-unavailable`
 */
export async function openKeeperWorker(options: KeeperWorkerOptions): Promise<KeeperWorker> {
  try {
    return await opened(options, async (first) =>
      openShared(await currentAddress(first), first.url),
    );
  } catch (thrown) {
    throw unavailable(thrown, options);
  }
}

/**
 * Opens the worker of the machine's first keeper, at once. {@link confirmedWorker} corrects it.
 * @throws HoldfastError `keeper-unavailable`
 */
export function openFirstWorker(options: KeeperWorkerOptions): KeeperWorker {
  try {
    return opened(options, (first) => openShared(first, first.url));
  } catch (thrown) {
    throw unavailable(thrown, options);
  }
}

/** Returns the worker that has the machine now, in place of one that was opened without a look. */
export async function confirmedWorker(worker: KeeperWorker): Promise<KeeperWorker> {
  const { address, another, ownUrl } = worker;
  if (!address || !another || ownUrl === undefined) return worker;
  const current = await currentAddress({ name: firstNameOf(address.name), url: ownUrl });
  const isSame = current.name === address.name && current.url === address.url;
  return isSame ? worker : another(current);
}

function opened<T>(
  { keeperUrl, host = 'auto', machineId }: KeeperWorkerOptions,
  shared: (first: KeeperAddress) => T,
): T | KeeperWorker {
  const name = firstWorkerName(machineId);
  const url = new URL(keeperUrl, document.baseURI);
  const isShared = host === 'auto' && hasExtendedLifetime() && !isSiteDataBlocked();
  return isShared ? shared({ name, url: url.href }) : openDedicated(url);
}

function unavailable(thrown: unknown, { keeperUrl }: KeeperWorkerOptions): HoldfastError {
  const what = `The keeper could not be started from ${keeperUrl}`;
  return HoldfastError.from(thrown, 'keeper-unavailable', what);
}

/** Longest wait for the browser's list of locks, ms. With a failing disk it may not answer. */
const locksMs = 1000;

async function currentAddress(first: KeeperAddress): Promise<KeeperAddress> {
  const locks = webLocks();
  if (!locks) return first;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), locksMs);
  });
  const asked = await Promise.race([locks.query().catch(() => undefined), late]);
  clearTimeout(timer);
  const names = asked?.held?.map(({ name }) => name) ?? [];
  return keeperAmong(names, first);
}

/** [KL1] */
function firstWorkerName(machineId = defaultMachineId): string {
  if (!isMachineId(machineId)) {
    throw new HoldfastError(
      'bad-config',
      `"${machineId}" is no machine id: 1 to 64 lower-case letters, digits and "-".`,
    );
  }
  return machineId === defaultMachineId ? 'holdfast' : `holdfast-${machineId}`;
}

// [KL1] Name, type and lifetime are part of the lookup: pages that differ in one do not find the same
// worker.
function openShared(address: KeeperAddress, ownUrl: string): KeeperWorker {
  const { name } = address;
  const url = new URL(address.url);
  const options = { type: 'module', name, extendedLifetime: true } as const;
  const worker = new SharedWorker(scriptUrl(url), options);
  return {
    port: worker.port,
    failed: failureOf(worker, url),
    leave: () => {},
    address,
    another: (other) => openShared(other, ownUrl),
    ownUrl,
  };
}

function openDedicated(url: URL): KeeperWorker {
  const worker = new Worker(scriptUrl(url), { type: 'module', name: 'holdfast' });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ type: 'connect', port: port2 }, [port2]);
  return { port: port1, failed: failureOf(worker, url), leave: () => worker.terminate() };
}

function failureOf(worker: AbstractWorker & EventTarget, url: URL): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      const reason = event instanceof ErrorEvent && event.message ? `: ${event.message}` : '';
      const message = `The keeper's worker could not be started from ${url}${reason}. Is the file there, and was it opened by other pages of this site with the same options?`;
      reject(new HoldfastError('keeper-unavailable', message));
    });
  });
  // Errors after the first answer have no handler.
  failed.catch(() => {});
  return failed;
}
