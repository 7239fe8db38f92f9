/** Calls between page and keeper. Only this file uses Comlink. */
import * as Comlink from 'comlink';
import { HoldfastError } from '../errors.ts';
import { type CallName, formerNames, type KeeperApi, keeperCalls } from './keeper-calls.ts';
import { fromWireError, toWireError } from './wire-error.ts';

type Remote<Calls> = {
  readonly [K in keyof Calls]: Calls[K] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : Remote<Calls[K]>;
};

/** The keeper as a page sees it: every answer takes a message there and back. */
export type RemoteKeeper = Remote<KeeperApi>;

/** The page's end of the wire. A dead keeper never answers: see src/client/keeper-connection.ts. */
export interface KeeperWire {
  /**
   * Every error arrives as a {@link HoldfastError}.
   * @param name present name, or name in an earlier release
   */
  call(name: string, args: unknown[]): Promise<unknown>;
  /** Releases the port at both ends. */
  release(): void;
}

/**
 * Answers a page's calls that arrive at `port`, by their names of now and of earlier releases.
 * @param own calls of this connection, in place of those of `api`
 * @param pass makes each call but `ping`, now or later, or refuses it
 */
export function exposeKeeper(
  api: KeeperApi,
  port: MessagePort,
  own: Partial<KeeperApi> = {},
  pass: (call: () => unknown) => unknown = (call) => call(),
): void {
  keepErrorCodes();
  const exposed: Record<string, unknown> = Object.create(null);
  for (const name of keeperCalls) {
    const made = callOf(own, name) ?? callOf(api, name);
    const call = name === 'ping' ? made : (...args: never[]) => pass(() => made?.(...args));
    exposed[name] = call;
    const { [name]: former } = formerNames;
    if (former !== undefined) exposed[former] = call;
  }
  Comlink.expose(exposed, port);
}

function callOf(
  api: Partial<KeeperApi>,
  name: CallName,
): ((...args: never[]) => unknown) | undefined {
  const [member = '', group] = name.split('.').reverse();
  const owner = (group === undefined ? api : api[group as 'storage']) as
    | Record<string, ((...args: never[]) => unknown) | undefined>
    | undefined;
  return owner?.[member]?.bind(owner);
}

/** The keeper at the other end of `port`. */
export function wrapKeeper(port: MessagePort): KeeperWire {
  keepErrorCodes();
  // Comlink's proxy is thenable: returned from an async function it would be asked for `then`.
  const proxy = Comlink.wrap<Record<string, (...args: unknown[]) => unknown>>(port);
  return {
    call: (name, args) => settle((proxy[name] as Call)(...args.map(withPorts))),
    release: () => proxy[Comlink.releaseProxy](),
  };
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** An object with every call of the keeper, each of them made by `make`. */
export function callsOf(make: (name: CallName, args: unknown[]) => Promise<unknown>): RemoteKeeper {
  const groups: Record<string, Record<string, Call>> = { '': {}, storage: {} };
  for (const name of keeperCalls) {
    const [member = '', group = ''] = name.split('.').reverse();
    (groups[group] as Record<string, Call>)[member] = (...args) => make(name, args);
  }
  const { '': direct, ...grouped } = groups;
  return { ...direct, ...grouped } as unknown as RemoteKeeper;
}

/** Transfers ports that are an argument or in a list of arguments. All other values are copied. */
function withPorts(arg: unknown): unknown {
  const ports = (Array.isArray(arg) ? arg : [arg]).filter((each) => each instanceof MessagePort);
  return ports.length > 0 ? Comlink.transfer(arg, ports) : arg;
}

/** Marks buffers of an argument: the next call with it transfers them instead of copying. */
export const handOver = <T extends object>(argument: T, buffers: ArrayBuffer[]): T =>
  Comlink.transfer(argument, buffers);

/** Converts errors. Arguments that cannot be cloned fail on this side. */
async function settle<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw HoldfastError.from(thrown, 'internal', 'A call to the keeper could not be made');
  }
}

interface Thrown {
  value: unknown;
}

/**
 * Comlink copies only the name, message and stack of an error. This handler replaces Comlink's own.
 * The mark of a thrown value is private to Comlink, so its own `canHandle` stays.
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
