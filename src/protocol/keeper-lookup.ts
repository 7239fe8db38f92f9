/**
 * How any build finds the keeper of a machine, and asks it to move its guest to another keeper. Frozen:
 * pages and keepers of every release meet here, also those whose ABI differs. docs/spec/keeper-lookup.md
 * has the rules.
 */
import type { Blocker } from './cpr.ts';
import type { WireError } from './wire-error.ts';

/** [KL2] `<first name>.<generation>-<random>` */
const laterName = /^(.+)\.([1-9]\d{0,8})-[0-9a-z]{1,64}$/;

/** The worker of a keeper. */
export interface KeeperAddress {
  name: string;
  /** Absolute URL of its script. */
  url: string;
}

/** Prefix of the Web Lock by which a keeper is found. */
const lockPrefix = 'holdfast.keeper ';

/** [KL3] Name of the lock that the keeper at this address holds while the machine is in it. */
export const keeperLockName = ({ name, url }: KeeperAddress): string =>
  `${lockPrefix}${name} ${url}`;

/** Number of moves since the first keeper of the machine; undefined for a name of another machine. */
export function generationOf(workerName: string, firstName: string): number | undefined {
  if (workerName === firstName) return 0;
  const [, first, generation] = laterName.exec(workerName) ?? [];
  return first === firstName ? Number(generation) : undefined;
}

/** Returns the name of the first keeper of the machine whose keeper has this name. */
export const firstNameOf = (workerName: string): string =>
  laterName.exec(workerName)?.[1] ?? workerName;

/** Returns a name that no other keeper has. @param random lower-case letters and digits */
export function nextName(workerName: string, random: string): string {
  const first = firstNameOf(workerName);
  return `${first}.${(generationOf(workerName, first) ?? 0) + 1}-${random}`;
}

/**
 * [KL4] Returns the address of the machine's keeper.
 * @param lockNames names of all locks that are held
 * @param first address of the machine's first keeper, by this page's build
 */
export function keeperAmong(
  lockNames: Iterable<string | undefined>,
  first: KeeperAddress,
): KeeperAddress {
  let [found, newest] = [first, -1];
  for (const lock of lockNames) {
    const [name = '', url = '', ...others] = lock?.startsWith(lockPrefix)
      ? lock.slice(lockPrefix.length).split(' ')
      : [];
    const generation = generationOf(name, first.name);
    if (generation === undefined || others.length > 0 || !isBeside(url, first.url)) continue;
    const isOwn = url === first.url;
    if (generation > newest || (generation === newest && isOwn))
      [found, newest] = [{ name, url }, generation];
  }
  return found;
}

/** Whether two scripts are in one folder: builds of one site may give the same script other names. */
const isBeside = (url: string, other: string): boolean =>
  URL.canParse(url) && new URL('.', url).href === new URL('.', other).href;

/** From a page: who is there, and where is the machine? */
interface WhereMessage {
  type: 'holdfast.where';
}

/** The answer to {@link WhereMessage}. */
export interface KeeperPlace {
  type: 'holdfast.here';
  /** Name of the keeper's worker. */
  name: string;
  /** Id of the keeper's build. */
  build: string;
  /** ABI of its calls. */
  abi: number;
  /** The worker that has the machine now, if it was moved away. */
  movedTo?: KeeperAddress;
}

/** From a page: move the guest over `channel` to the keeper at this address. */
export interface MoveMessage {
  type: 'holdfast.move';
  to: KeeperAddress;
  /** Its other end is in the hands of the other keeper. */
  channel: MessagePort;
  /** Receives {@link MoveAnswer}s. */
  answers: MessagePort;
  /** Moves in spite of blockers. */
  override: boolean;
  /** Carries the frames of connections that stay open. Its other end is in the hands of the other keeper. */
  relay?: MessagePort;
}

/** From a page to a keeper that it started: it gets no guest. Without a page and a machine it ends. */
interface DismissMessage {
  type: 'holdfast.dismiss';
}

export type MoveAnswer =
  /** Nothing was done, because these things would not follow the guest. */
  | { type: 'blocked'; blockers: readonly Blocker[] }
  /** Another page's move is under way. Its outcome follows. */
  | { type: 'busy'; to: KeeperAddress }
  /** The guest runs in the other keeper. */
  | { type: 'moved'; to: KeeperAddress; downtimeMs?: number }
  /** The guest continues here. */
  | { type: 'failed'; error: WireError };

type Message = Partial<WhereMessage | KeeperPlace | MoveMessage | DismissMessage> | null;

/** Starts the port. Resolves with the answer; a keeper of the first release never answers. */
export function askWhere(port: MessagePort): Promise<KeeperPlace> {
  return new Promise((resolve) => {
    port.addEventListener('message', function listener({ data }: MessageEvent<Message>) {
      if (data?.type !== 'holdfast.here') return;
      port.removeEventListener('message', listener);
      resolve(data as KeeperPlace);
    });
    port.start();
    port.postMessage({ type: 'holdfast.where' } satisfies WhereMessage);
  });
}

export function sendMove(port: MessagePort, message: Omit<MoveMessage, 'type'>): void {
  const { channel, answers, relay } = message;
  const ports = [channel, answers, ...(relay ? [relay] : [])];
  port.postMessage({ ...message, type: 'holdfast.move' } satisfies MoveMessage, ports);
}

export function sendDismiss(port: MessagePort): void {
  port.postMessage({ type: 'holdfast.dismiss' } satisfies DismissMessage);
}

/** Answers the questions of pages. Call this before the port is started. */
export function answerLookups(
  port: MessagePort,
  keeper: {
    where(): Omit<KeeperPlace, 'type'>;
    move(message: MoveMessage): void;
    dismiss(): void;
  },
): void {
  port.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data?.type === 'holdfast.where')
      port.postMessage({ ...keeper.where(), type: 'holdfast.here' } satisfies KeeperPlace);
    else if (data?.type === 'holdfast.move') keeper.move(data as MoveMessage);
    else if (data?.type === 'holdfast.dismiss') keeper.dismiss();
  });
}
