/** Calls between page and keeper. The one place that knows Comlink. */
import * as Comlink from 'comlink';
import { CprError } from '../errors.ts';
import type { KeeperApi } from './keeper-api.ts';
import { fromWireError, toWireError } from './wire-error.ts';

/** The keeper as a page sees it: every answer takes a message there and back. */
export type RemoteKeeper = {
  readonly [K in keyof KeeperApi]: (
    ...args: Parameters<KeeperApi[K]>
  ) => Promise<Awaited<ReturnType<KeeperApi[K]>>>;
};

/** The page's end of the wire. A dead keeper never answers: see src/client/connection.ts. */
export interface KeeperWire {
  readonly keeper: RemoteKeeper;
  /** Lets go of the port at both ends. */
  release(): void;
}

/** True for those of the first release, whose keepers do not list what they answer. */
const methods: Record<keyof KeeperApi, boolean> = {
  info: true,
  ping: true,
  attach: true,
  start: true,
  restart: true,
  pause: true,
  resume: true,
  destroy: true,
  ramBlocks: true,
  command: true,
  suspend: false,
  wakeup: false,
  visibility: false,
  listen: false,
  terminalSize: false,
  took: false,
  cprBlockers: false,
  cprSave: false,
  cprLoad: false,
  cprCancel: false,
  storedMachines: false,
  storageUsage: false,
  renameMachine: false,
  duplicateMachine: false,
  removeMachine: false,
  storedStates: false,
  removeState: false,
  exportMachine: false,
  resumeMachine: false,
  checkpoint: false,
  setDurable: false,
  flush: false,
  takeSnapshot: false,
  restoreSnapshot: false,
  dropSnapshot: false,
  snapshots: false,
  exportGuest: false,
  exportStored: false,
  importGuest: false,
};

/** Everything else of the keeper's object stays out of reach of pages. */
export const keeperMethods = Object.keys(methods) as (keyof KeeperApi)[];
/** {@link KeeperInfo.methods} of a keeper that has none. */
export const firstKeeperMethods = keeperMethods.filter((name) => methods[name]);

/**
 * Answers a page's calls that arrive at `port`.
 * @param own calls of this connection, in place of those of `api`
 */
export function exposeKeeper(
  api: KeeperApi,
  port: MessagePort,
  own: Partial<KeeperApi> = {},
): void {
  keepErrorCodes();
  const exposed: Record<string, unknown> = Object.create(null);
  for (const name of keeperMethods) exposed[name] = own[name] ?? api[name].bind(api);
  Comlink.expose(exposed, port);
}

/** The keeper at the other end of `port`. Whatever it throws arrives as a {@link CprError}. */
export function wrapKeeper(port: MessagePort): KeeperWire {
  keepErrorCodes();
  const proxy = Comlink.wrap<KeeperApi>(port);
  // Comlink's proxy is thenable: returned from an async function it would be asked for `then`.
  const keeper = callsOf((name, args) => {
    const call = proxy[name] as (...args: unknown[]) => Promise<unknown>;
    return settle(call(...args.map(withPorts)));
  });
  return { keeper, release: () => proxy[Comlink.releaseProxy]() };
}

/** An object with every call of the keeper, each of them made by `make`. */
export function callsOf(
  make: (name: keyof KeeperApi, args: unknown[]) => Promise<unknown>,
): RemoteKeeper {
  return Object.fromEntries(
    keeperMethods.map((name) => [name, (...args: unknown[]) => make(name, args)]),
  ) as unknown as RemoteKeeper;
}

/** Ports are handed over, as an argument or in a list of arguments; everything else is copied. */
function withPorts(arg: unknown): unknown {
  const ports = (Array.isArray(arg) ? arg : [arg]).filter((each) => each instanceof MessagePort);
  return ports.length > 0 ? Comlink.transfer(arg, ports) : arg;
}

/** The next call with this argument hands over the buffers in it, which it copies otherwise. */
export const handOver = <T extends object>(argument: T, buffers: ArrayBuffer[]): T =>
  Comlink.transfer(argument, buffers);

/** Not everything comes from the other side: arguments that cannot be cloned fail right here. */
async function settle<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw CprError.from(thrown, 'internal', 'A call to the keeper could not be made');
  }
}

interface Thrown {
  value: unknown;
}

/**
 * Comlink copies only name, message and stack of an error. This puts ours in the place of its
 * handler; what marks a thrown value is private to Comlink, so its own `canHandle` stays.
 */
function keepErrorCodes(): void {
  const builtIn = Comlink.transferHandlers.get('throw');
  if (builtIn === undefined || builtIn === throwHandler) return;
  throwHandler.canHandle = (value): value is Thrown => builtIn.canHandle(value);
  Comlink.transferHandlers.set('throw', throwHandler);
}

const throwHandler: Comlink.TransferHandler<Thrown, unknown> = {
  canHandle: (value): value is Thrown => value === throwHandler,
  serialize: ({ value }) => [toWireError(value), []],
  deserialize: (wire) => {
    throw fromWireError(wire);
  },
};
