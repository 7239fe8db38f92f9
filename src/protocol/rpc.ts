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

/** The page's end of the wire. A dead keeper never answers: see src/machine/connection.ts. */
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
  const keeper: RemoteKeeper = {
    info: () => settle(proxy.info()),
    ping: () => settle(proxy.ping()),
    attach: (events, pageLock, pageId) =>
      settle(proxy.attach(Comlink.transfer(events, [events]), pageLock, pageId)),
    start: (request) => settle(proxy.start(request)),
    restart: (runtime) => settle(proxy.restart(runtime)),
    pause: (options) => settle(proxy.pause(options)),
    resume: () => settle(proxy.resume()),
    destroy: () => settle(proxy.destroy()),
    ramBlocks: (options) => settle(proxy.ramBlocks(options)),
    command: (name, args) =>
      settle(proxy.command(name, Comlink.transfer(args, args.filter(isPort)))),
    suspend: () => settle(proxy.suspend()),
    wakeup: () => settle(proxy.wakeup()),
    visibility: (pageId, visible) => settle(proxy.visibility(pageId, visible)),
    listen: (pageId, frames) => settle(proxy.listen(pageId, frames)),
    terminalSize: (console, cols, rows) => settle(proxy.terminalSize(console, cols, rows)),
    took: (pageId, taken) => settle(proxy.took(pageId, taken)),
    cprBlockers: (mode) => settle(proxy.cprBlockers(mode)),
    cprSave: (target, options) => settle(proxy.cprSave(target, options)),
    cprLoad: (source, options) => settle(proxy.cprLoad(source, options)),
    cprCancel: () => settle(proxy.cprCancel()),
    storedMachines: () => settle(proxy.storedMachines()),
    storageUsage: () => settle(proxy.storageUsage()),
    renameMachine: (id, name) => settle(proxy.renameMachine(id, name)),
    duplicateMachine: (id, name) => settle(proxy.duplicateMachine(id, name)),
    removeMachine: (id) => settle(proxy.removeMachine(id)),
    storedStates: () => settle(proxy.storedStates()),
    removeState: (name) => settle(proxy.removeState(name)),
    exportMachine: (id, request) => settle(proxy.exportMachine(id, request)),
    resumeMachine: (request) => settle(proxy.resumeMachine(request)),
    checkpoint: () => settle(proxy.checkpoint()),
    setDurable: (on, options) => settle(proxy.setDurable(on, options)),
    flush: (flag) => settle(proxy.flush(flag)),
    takeSnapshot: () => settle(proxy.takeSnapshot()),
    restoreSnapshot: (id) => settle(proxy.restoreSnapshot(id)),
    dropSnapshot: (id) => settle(proxy.dropSnapshot(id)),
    snapshots: () => settle(proxy.snapshots()),
    exportStored: (id, port) => settle(proxy.exportStored(id, Comlink.transfer(port, [port]))),
    exportGuest: (port) => settle(proxy.exportGuest(Comlink.transfer(port, [port]))),
    importGuest: (request, port) =>
      settle(proxy.importGuest(request, Comlink.transfer(port, [port]))),
  };
  return { keeper, release: () => proxy[Comlink.releaseProxy]() };
}

/** What is handed over where everything else is copied. */
const isPort = (value: unknown): value is MessagePort => value instanceof MessagePort;

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
