/** Moves the guest of this keeper to another keeper, at the request of a page: rules KM of the lookup. */
import { HoldfastError } from '../../errors.ts';
import type { Blocker } from '../../protocol/cpr.ts';
import type { KeeperAddress, MoveAnswer, MoveMessage } from '../../protocol/keeper-lookup.ts';
import { toWireError } from '../../protocol/wire-error.ts';
import { PortChannel } from '../migration/channel.ts';
import { turnAway } from '../migration/link.ts';
import type { PageCallGate } from './page-calls.ts';

type MoveRequest = Pick<MoveMessage, 'to' | 'channel' | 'relay'>;

/** The parts of a keeper that a move uses. */
export interface MovingKeeper {
  /** Returns what would not follow the guest; empty without a machine. */
  blockers(options: { isRelayed: boolean }): Promise<readonly Blocker[]>;
  /**
   * Sends the guest, and tells the pages. Resolves once the other keeper runs it, and then it never runs
   * here again.
   * @param stopped called when the guest has stopped for the switchover
   * @throws HoldfastError; the guest continues here
   */
  send(request: MoveRequest, stopped: () => void): Promise<{ downtimeMs?: number }>;
}

export class KeeperMove {
  readonly #keeper: MovingKeeper;
  readonly #gate: PageCallGate;
  /** The move that is under way. */
  #present: { to: KeeperAddress; outcome: Promise<MoveAnswer> } | undefined;

  constructor(keeper: MovingKeeper, gate: PageCallGate) {
    this.#keeper = keeper;
    this.#gate = gate;
  }

  /** [KM2] Answers every request, at last with the outcome. */
  async request(message: MoveMessage): Promise<void> {
    const { to, answers } = message;
    const answer = (message: MoveAnswer) => answers.postMessage(message);
    if (this.#gate.movedTo !== undefined) {
      sendsNothing(message);
      answer({ type: 'moved', to: this.#gate.movedTo });
      return;
    }
    if (this.#present) {
      sendsNothing(message);
      answer({ type: 'busy', to: this.#present.to });
      answer(await this.#present.outcome);
      return;
    }
    const outcome = this.#move(message);
    this.#present = { to, outcome };
    answer(await outcome);
    this.#present = undefined;
  }

  async #move({ to, channel, relay, override }: MoveMessage): Promise<MoveAnswer> {
    try {
      const isRelayed = relay !== undefined;
      const blockers = override ? [] : await this.#keeper.blockers({ isRelayed });
      if (blockers.length > 0) {
        sendsNothing({ channel, relay });
        return { type: 'blocked', blockers };
      }
      const { downtimeMs } = await this.#keeper.send({ to, channel, ...(relay && { relay }) }, () =>
        this.#gate.hold(),
      );
      this.#gate.moved(to);
      return { type: 'moved', to, ...(downtimeMs !== undefined && { downtimeMs }) };
    } catch (thrown) {
      // A migration that began has closed it.
      sendsNothing({ channel, relay });
      this.#gate.stays();
      const what = 'The guest could not be moved to another keeper';
      return { type: 'failed', error: toWireError(HoldfastError.from(thrown, 'internal', what)) };
    }
  }
}

/** Closes the ports of a request that does nothing. */
function sendsNothing({
  channel,
  relay,
}: {
  channel: MessagePort;
  relay?: MessagePort | undefined;
}): void {
  void sendNothing(channel);
  relay?.close();
}

/** Longest wait for the other keeper's end of a channel that carries nothing, ms. */
const closeMs = 1_000;

/** Tells the other keeper that no guest comes. Resolves when it expects none. */
export async function sendNothing(channel: MessagePort): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    channel.addEventListener('close', () => resolve(), { once: true });
    setTimeout(resolve, closeMs);
  });
  const message = 'No guest comes from the former keeper.';
  await turnAway(new PortChannel(channel), new HoldfastError('cancelled', message));
  await closed;
}
