/** Takes the machine that another device hands over by a link. */
import { HoldfastError } from '../../errors.ts';
import type { OfferedMachine, ReceiveOptions } from '../../index.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { addressOf } from '../address/machine-address.ts';
import type { Session } from '../session/session.ts';
import { findStateServer, type StateServer } from '../share/state-server.ts';
import { askApproval } from '../ui/approval.tsx';
import { asName } from '../ui/foreign-text.ts';
import { part } from '../ui/preloaded-parts.ts';
import { askFor } from './ask-for.ts';
import { OpeningBar } from './opening-bar.tsx';

interface MachineReceiverOptions {
  session: Session;
  durable: boolean;
  runtimes: readonly RuntimeSource[];
  /** The machine is about to arrive in this page. */
  begins(): void;
  /** @param isHere whether it runs here now */
  ended(isHere: boolean): void;
}

const labels = {
  waiting: 'Looking for the other device',
  confirming: 'Waiting for the other device to confirm',
  accepting: 'Waiting for you to accept',
  connecting: 'Connecting to the other device',
  sending: 'Receiving the machine',
} as const;

export class MachineReceiver {
  readonly #options: MachineReceiverOptions;
  readonly #bar = new OpeningBar();

  constructor(options: MachineReceiverOptions) {
    this.#options = options;
  }

  /**
   * Takes the machine as this page's.
   * @param sent the text behind `#send=`
   * @throws HoldfastError of `receiveMachine`
   */
  async receive(sent: string): Promise<void> {
    const { session, ended } = this.#options;
    const abort = new AbortController();
    const cancel = () => abort.abort(new HoldfastError('cancelled', 'The receiver cancelled it.'));
    this.#bar.begin(labels.waiting, cancel);
    let isHere = false;
    try {
      const server = relayOf(await findStateServer());
      const { receiveMachine } = await part('receive');
      await session.run('open-state', async (machine) => {
        await receiveMachine(machine, sent, this.#receiving(server, abort.signal));
        session.setGuestSource('opened');
      });
      isHere = true;
    } finally {
      this.#bar.end();
      ended(isHere);
    }
    // A reload attaches to the machine. The link is used up.
    history.replaceState(null, '', addressOf(session.machineId, document.baseURI));
  }

  #receiving(server: StateServer, signal: AbortSignal): ReceiveOptions {
    const { session, durable, runtimes, begins } = this.#options;
    let title = '';
    // Filled in by the offer, before the machine begins to arrive.
    const config: NonNullable<ReceiveOptions['config']> = {
      id: session.machineId,
      durable,
      foreign: true,
    };
    return {
      relay: server.url,
      runtimes,
      signal,
      config,
      accept: async (offer, gone) => {
        title = offer.name;
        config.name = asName(offer.name);
        const isAccepted = await askToAccept(offer, AbortSignal.any([gone, signal]));
        if (isAccepted) begins();
        return isAccepted;
      },
      approve: (urls) => askFor({ title }, urls),
      onProgress: ({ step, movedBytes }) => {
        this.#bar.label = labels[step];
        this.#bar.show(movedBytes || undefined, undefined);
      },
    };
  }
}

const askToAccept = ({ name, memoryMiB, isClone }: OfferedMachine, gone: AbortSignal) =>
  askApproval({
    title: 'Take this machine?',
    text: `Another device sends it to this one. ${isClone ? 'It also runs on there.' : 'It continues here, and ends there.'} What runs in the machine stays in it.`,
    items: [
      { what: 'Machine', value: name },
      { what: 'RAM', value: `${memoryMiB} MiB`, isOurs: true },
    ],
    ok: 'Take it',
    gone,
  });

/** @throws HoldfastError `relay-unavailable` */
function relayOf(server: StateServer | undefined): StateServer {
  if (server?.hasRooms) return server;
  throw new HoldfastError(
    'relay-unavailable',
    'This site has no state server that passes machines on. Open the link at the site that made it.',
  );
}
