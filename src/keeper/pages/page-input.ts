/**
 * The guest's keys and mouse buttons that each page holds down. The keeper releases them when the
 * page leaves, since the page itself no longer can.
 */
import { HoldfastError } from '../../errors.ts';
import { KeysDown, keysIn, releaseOf } from '../../protocol/scan-codes.ts';

/** The sender of commands: one for each connection. */
export interface Client {
  /** Set once a page has attached with it. A page keeps its id when it follows to another keeper. */
  pageId?: string;
}

/** Keys and buttons that a page holds down while its guest moves to another keeper. */
export interface HeldInput {
  pageId: string;
  /** Make codes, see {@link KeysDown}. */
  makes: readonly number[];
  buttons: readonly boolean[];
}

/** Time for a page to follow a guest that moved, ms. Then what it held is released. */
const followMs = 10_000;

interface Held {
  keys: KeysDown;
  buttons: readonly boolean[];
  /** The lights of its user's keyboard, if it reported them and they still count. */
  locks: Record<string, unknown>;
}

/** Make codes of Caps Lock and Num Lock, as members of what a client says of them. */
const lockKeys: Readonly<Record<number, string>> = { 58: 'caps', 69: 'num' };

/** Sends the guest a command. @throws HoldfastError `bad-runstate` for one whose state was saved */
type Send = (command: string, args: unknown[]) => unknown;

export class PageInput {
  readonly #send: Send;
  readonly #held = new Map<Client, Held>();
  /** Commands that the guest could not take yet. */
  readonly #owed: [command: string, args: unknown[]][] = [];
  /** Keys and buttons of pages that have not followed the guest yet, by the ids of the pages. */
  readonly #expected = new Map<string, Held>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The client whose keyboard's lights the guest received last. */
  #followed: Client | undefined;

  constructor(send: Send) {
    this.#send = send;
  }

  /** A client's command is about to reach the guest: its keys mean what its user's lights show. */
  precede(client: Client, command: string): void {
    if (command !== 'scancodes' || !this.#followed || this.#followed === client) return;
    const locks = this.#held.get(client)?.locks ?? {};
    if (Object.keys(locks).length === 0) return;
    try {
      this.#send('keyboardLocks', [locks]);
    } catch {
      // Keys are refused as well, and say why. An older runtime leaves the guest's locks alone.
    }
    this.#followed = client;
  }

  /** A client's command has reached the guest. */
  note(client: Client, command: string, args: unknown[]): void {
    const [first] = args;
    if (command === 'keyboardLocks') {
      Object.assign(this.#heldBy(client).locks, first);
      this.#followed = client;
    } else if (command === 'scancodes' && first instanceof Uint8Array) {
      const { keys, locks } = this.#heldBy(client);
      for (const key of keysIn(first)) {
        // Its user presses a lock key on purpose: what was said of that one is over.
        delete locks[lockKeys[key[0] ?? 0] ?? ''];
        keys.note(key);
      }
    } else if (command === 'mouseButtons') this.#heldBy(client).buttons = args.map(Boolean);
  }

  /** Releases what the client held, except what another client also holds. */
  gone(client: Client): void {
    const held = this.#held.get(client);
    if (!held) return;
    this.#held.delete(client);
    const others = [...this.#held.values()];
    const makes = held.keys.makes().filter((make) => !others.some(({ keys }) => keys.has(make)));
    if (makes.length > 0) this.#owed.push(['scancodes', [Uint8Array.from(releaseOf(makes))]]);
    if (held.buttons.includes(true)) {
      const down = [0, 1, 2].map((at) => others.some(({ buttons }) => buttons[at]));
      this.#owed.push(['mouseButtons', down]);
    }
    this.settle();
  }

  /** Returns what pages hold now. */
  held(): HeldInput[] {
    return [...this.#held].flatMap(([{ pageId }, { keys, buttons }]) =>
      pageId && (keys.size > 0 || buttons.includes(true))
        ? [{ pageId, makes: keys.makes(), buttons }]
        : [],
    );
  }

  /** The guest comes from another keeper, with keys down that its pages hold, which follow. */
  arrived(held: readonly HeldInput[]): void {
    if (held.length === 0) {
      this.forget();
      return;
    }
    for (const { pageId, makes, buttons } of held) {
      const keys = new KeysDown();
      for (const make of makes) keys.note(make > 0xff ? [make >> 8, make & 0xff] : [make]);
      this.#expected.set(pageId, { keys, buttons, locks: {} });
    }
    this.#timer = setTimeout(() => this.#expectNone(), followMs);
  }

  /** A page has attached. */
  attached(client: Client): void {
    const held = this.#expected.get(client.pageId ?? '');
    if (!held || client.pageId === undefined) return;
    this.#expected.delete(client.pageId);
    this.#held.set(client, held);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  /** Pages that did not follow are gone. */
  #expectNone(): void {
    for (const [pageId, held] of this.#expected) {
      const client = { pageId };
      this.#held.set(client, held);
      this.gone(client);
    }
    this.#expected.clear();
  }

  /** Forgets all held keys: the guest was replaced or restored. Releases all its input. */
  forget(): void {
    this.#held.clear();
    this.#expected.clear();
    this.#owed.length = 0;
    this.#owed.push(['releaseInput', []]);
    this.settle();
  }

  /** Sends the commands that are owed. Call it when the guest may be able to take them. */
  settle(): void {
    while (this.#owed[0]) {
      try {
        this.#send(...this.#owed[0]);
      } catch (thrown) {
        // The guest's state was saved: the commands wait. Only an older runtime lacks the command.
        if (HoldfastError.from(thrown, 'internal', '').code !== 'internal') return;
      }
      this.#owed.shift();
    }
  }

  #heldBy(client: Client): Held {
    let held = this.#held.get(client);
    if (!held) {
      held = { keys: new KeysDown(), buttons: [], locks: {} };
      this.#held.set(client, held);
    }
    return held;
  }
}
