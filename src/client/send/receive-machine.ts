/** Takes the machine of another device, whose link this device has opened. See docs/spec/send.md. */
import { HoldfastError } from '../../errors.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { collectBlob } from '../collect-blob.ts';
import type { MessageSocket } from '../hosts/socket-transport.ts';
import type { LetInOptions } from '../let-in.ts';
import type { Machine } from '../types.ts';
import { canConnectDirectly, DirectLine, type DirectOptions } from './direct-line.ts';
import { RelayLine, type RelayOptions } from './relay-line.ts';
import { requireCrypto } from './sealed-messages.ts';
import { type Note, SecretChannel } from './secret-channel.ts';
import { SecretSocket } from './secret-socket.ts';
import { secretOf } from './send-link.ts';
import type { SendProgress } from './send-machine.ts';
import { receiveStateFile } from './state-file-frames.ts';

/** A machine as the other device describes it. Nothing of it is verified. */
export interface OfferedMachine {
  /** At most 200 characters. */
  name: string;
  memoryMiB: number;
  /** The other device keeps its machine, and this one gets a clone. */
  isClone: boolean;
}

export interface ReceiveOptions extends RelayOptions, DirectOptions, LetInOptions {
  /** The runtimes of the caller's build, newest first. */
  runtimes: readonly RuntimeSource[];
  /**
   * Called with the machine that the other device has decided to send, before memory is taken for it.
   * @param gone aborts when the answer counts no more
   */
  accept(offer: OfferedMachine, gone: AbortSignal): boolean | Promise<boolean>;
  /** Replaces a present machine once the guest runs. */
  replace?: boolean;
  onProgress?(progress: SendProgress): void;
  /** Asks the other device to give up. It is too late once the guest may run here. */
  signal?: AbortSignal;
}

export interface ReceiveReport extends OfferedMachine {
  isDirect: boolean;
}

type ReceivingMachine = Pick<Machine, 'migrateIncoming' | 'openState'>;

/** Time for the other device to confirm that this one gives up. */
const giveUpMs = 5_000;
/** Time for the other device to say that it has seen the end. */
const doneMs = 5_000;
const mostStateBytes = 2 * 2 ** 30;
const mostNameLength = 200;

/**
 * Takes the machine that {@link sendMachine} sends. Resolves once it runs here. The guest is treated as one
 * of an opened state file: see {@link Machine.migrateIncoming}.
 * @param machine a keeper without a guest
 * @throws HoldfastError `bad-link`, `relay-unavailable`, `not-approved`, `cancelled`, or the errors of
 * `migrateIncoming` and `openState`; nothing of the guest then stays
 */
export async function receiveMachine(
  machine: ReceivingMachine,
  link: string,
  options: ReceiveOptions,
): Promise<ReceiveReport> {
  requireCrypto();
  const secret = secretOf(link);
  const { signal } = options;
  signal?.throwIfAborted();
  const line = new RelayLine(options, secret.room);
  const stop = () => line.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    options.onProgress?.({ step: 'waiting', movedBytes: 0 });
    await line.told('joined');
    const channel = await SecretChannel.open(line, secret, 'joiner');
    signal?.removeEventListener('abort', stop);
    return await new Incoming(machine, channel, options).run();
  } catch (thrown) {
    line.close();
    throw signal?.aborted
      ? HoldfastError.from(signal.reason, 'cancelled', 'It was cancelled')
      : HoldfastError.from(thrown, 'migration-failed', 'The machine did not arrive');
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

class Incoming {
  readonly #machine: ReceivingMachine;
  readonly #channel: SecretChannel;
  readonly #options: ReceiveOptions;
  #isDirect = false;

  constructor(machine: ReceivingMachine, channel: SecretChannel, options: ReceiveOptions) {
    this.#machine = machine;
    this.#channel = channel;
    this.#options = options;
  }

  async run(): Promise<ReceiveReport> {
    const channel = this.#channel;
    const { signal } = this.#options;
    let giveUp: ReturnType<typeof setTimeout> | undefined;
    const cancel = () => {
      void channel.tell({ cancel: true });
      giveUp = setTimeout(() => void channel.close(), giveUpMs);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
    let direct: DirectLine | undefined;
    try {
      const offer = await this.#accepted();
      const isDirect = canConnectDirectly(this.#options);
      if (isDirect) direct = new DirectLine(channel, 'second', this.#options);
      await channel.tell({ isDirect });
      const socket = await this.#connected(direct);
      await this.#take(offer, socket);
      await this.#done();
      return { ...offer, isDirect: this.#isDirect };
    } catch (thrown) {
      // Its own reason, if the other device gave one.
      const error = HoldfastError.from(thrown, 'migration-failed', 'The machine did not arrive');
      await channel.close(error);
      throw channel.signal.reason ?? error;
    } finally {
      clearTimeout(giveUp);
      signal?.removeEventListener('abort', cancel);
      direct?.close();
    }
  }

  async #accepted(): Promise<OfferedMachine> {
    this.#tell('confirming');
    const offer = offerOf(await this.#channel.next('offer'));
    this.#tell('accepting');
    const { signal } = this.#channel;
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    ended.catch(() => {});
    if (await Promise.race([this.#options.accept(offer, signal), ended])) return offer;
    throw new HoldfastError('not-approved', 'The machine was not accepted.');
  }

  async #connected(direct: DirectLine | undefined): Promise<MessageSocket> {
    this.#tell('connecting');
    const { goDirect } = await this.#channel.next('goDirect');
    this.#isDirect = goDirect === true && direct !== undefined;
    const socket = this.#isDirect && direct ? await direct.chosen() : undefined;
    return (socket as MessageSocket | undefined) ?? new SecretSocket(this.#channel);
  }

  async #take(offer: OfferedMachine, socket: MessageSocket): Promise<void> {
    const { runtimes, replace = false, approve, allowPrivate, config } = this.#options;
    const asked = {
      ...(approve && { approve }),
      ...(allowPrivate && { allowPrivate }),
      ...(config && { config }),
    };
    this.#moved(0);
    if (offer.isClone) return this.#open(socket, { ...asked, replace });
    let movedBytes = 0;
    socket.addEventListener('message', ({ data }: { data: { byteLength: number } }) => {
      movedBytes += data.byteLength;
      this.#moved(movedBytes);
    });
    const arrives = this.#machine.migrateIncoming(socket, { runtimes, replace, ...asked });
    await this.#channel.tell({ ready: true });
    await arrives;
  }

  async #open(
    socket: MessageSocket,
    options: LetInOptions & Pick<ReceiveOptions, 'replace'>,
  ): Promise<void> {
    const [runtime] = this.#options.runtimes;
    if (!runtime)
      throw new HoldfastError('runtime-unavailable', 'No runtime is named for the machine.');
    const stream = receiveStateFile(socket, mostStateBytes, (bytes) => this.#moved(bytes));
    await this.#channel.tell({ ready: true });
    const state = await collectBlob(stream);
    await this.#machine.openState(state, { ...options, runtime, identity: 'clone' });
    await this.#channel.tell({ opened: true });
  }

  /** The last message reaches the other device before this one closes the connection. */
  async #done(): Promise<void> {
    const timer = setTimeout(() => void this.#channel.close(), doneMs);
    await this.#channel.next('done').catch(() => {});
    clearTimeout(timer);
    await this.#channel.close();
  }

  #moved(movedBytes: number): void {
    this.#options.onProgress?.({ step: 'sending', movedBytes, isDirect: this.#isDirect });
  }

  #tell(step: SendProgress['step']): void {
    this.#options.onProgress?.({ step, movedBytes: 0 });
  }
}

/** @throws HoldfastError `migration-refused` */
function offerOf({ offer }: Note): OfferedMachine {
  const { name, memoryMiB, isClone } = Object(offer) as Record<string, unknown>;
  if (typeof name !== 'string' || !Number.isSafeInteger(memoryMiB) || Number(memoryMiB) <= 0)
    throw new HoldfastError('migration-refused', 'The other device does not say what it sends.');
  return {
    name: name.slice(0, mostNameLength),
    memoryMiB: Number(memoryMiB),
    isClone: isClone === true,
  };
}
