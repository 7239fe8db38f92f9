import { HoldfastError } from '../errors.ts';
import { scriptUrl } from '../protocol/script-url.ts';
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
}

/** @throws HoldfastError `keeper-unavailable` */
export function openKeeperWorker({
  keeperUrl,
  host = 'auto',
  machineId = defaultMachineId,
}: KeeperWorkerOptions): KeeperWorker {
  const name = workerName(machineId);
  try {
    const url = new URL(keeperUrl, document.baseURI);
    const isShared = host === 'auto' && hasExtendedLifetime() && !isSiteDataBlocked();
    return isShared ? openShared(url, name) : openDedicated(url);
  } catch (thrown) {
    throw HoldfastError.from(
      thrown,
      'keeper-unavailable',
      `The keeper could not be started from ${keeperUrl}`,
    );
  }
}

function workerName(machineId: string): string {
  if (!isMachineId(machineId)) {
    throw new HoldfastError(
      'bad-config',
      `"${machineId}" is no machine id: 1 to 64 lower-case letters, digits and "-".`,
    );
  }
  return machineId === defaultMachineId ? 'holdfast' : `holdfast-${machineId}`;
}

// Name, type and lifetime are part of the ABI: pages that differ in one do not find the same
// worker.
function openShared(url: URL, name: string): KeeperWorker {
  const options = { type: 'module', name, extendedLifetime: true } as const;
  const worker = new SharedWorker(scriptUrl(url), options);
  return { port: worker.port, failed: failureOf(worker, url), leave: () => {} };
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
