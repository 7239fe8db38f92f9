/** Hands a running machine to another device, which opens a link. See docs/spec/send.md. */
import { HoldfastError } from '../../errors.ts';
import type { MigrateOptions } from '../../protocol/migration.ts';
import type { MessageSocket } from '../hosts/socket-transport.ts';
import type { Machine } from '../types.ts';
import { canConnectDirectly, DirectLine, type DirectOptions } from './direct-line.ts';
import { RelayLine, type RelayOptions } from './relay-line.ts';
import { requireCrypto } from './sealed-messages.ts';
import { SecretChannel } from './secret-channel.ts';
import { SecretSocket } from './secret-socket.ts';
import { linkTo, newKey } from './send-link.ts';
import { sendStateFile } from './state-file-frames.ts';

/**
 * `waiting`: the link was not opened yet. `confirming` and `accepting`: the sender's and the receiver's user
 * decide. `connecting`: a direct connection is tried. `sending`: the machine is under way.
 */
export interface SendProgress {
  step: 'waiting' | 'confirming' | 'accepting' | 'connecting' | 'sending';
  /** Bytes of the machine that were sent or have arrived. */
  movedBytes: number;
  /** Part of the memory that has moved, 0 to 1. Absent for a clone, at the receiver and in other steps. */
  fraction?: number;
  /** The machine takes no relay. Absent before the step `sending`. */
  isDirect?: boolean;
}

/** `continue`: the machine moves. `clone`: it runs on here, and a clone of it runs there. */
export type SendAnswer = 'continue' | 'clone';

export interface SendOptions extends RelayOptions, DirectOptions {
  /** Address of the page that takes the machine. The link is this address and a secret fragment. */
  page: string;
  /**
   * Called when another device has opened the link. Nothing of the machine is sent before the answer.
   * @param gone aborts when the answer counts no more
   */
  confirm(gone: AbortSignal): SendAnswer | false | Promise<SendAnswer | false>;
  onProgress?(progress: SendProgress): void;
  /** Ends it. The machine then runs on here. */
  signal?: AbortSignal;
  /** Options of the migration. Default: a downtime limit of three seconds, which slow lines need. */
  migrate?: MigrateOptions;
}

export interface SendReport {
  /** The machine runs on here, and a clone of it runs there. */
  isClone: boolean;
  isDirect: boolean;
  movedBytes: number;
  /** From the first byte of the machine until it ran there. */
  totalMs: number;
  /** Time that the guest stood still. Absent for a clone. */
  downtimeMs?: number;
}

export interface Sending {
  /** Works once, and until the relay's room expires. */
  readonly link: string;
  /**
   * Resolves when the machine runs at the other device. Rejects with `cancelled`, `not-approved`, `bad-link`,
   * `relay-unavailable` or the errors of `migrate`; the machine then runs on here, as `migrate` says.
   */
  readonly done: Promise<SendReport>;
}

type SentMachine = Pick<
  Machine,
  'migrate' | 'migrateCancel' | 'migrationInfo' | 'exportState' | 'status'
>;

const progressMs = 250;
const patience: MigrateOptions = { downtimeLimitMs: 3000 };

/**
 * Makes a link. The device that opens it gets the machine, after {@link SendOptions.confirm}.
 * @throws HoldfastError `relay-unavailable`, `unsupported-browser` without WebCrypto
 */
export async function sendMachine(machine: SentMachine, options: SendOptions): Promise<Sending> {
  requireCrypto();
  const { signal, page, onProgress } = options;
  signal?.throwIfAborted();
  const line = new RelayLine(options);
  const stop = () => line.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const secret = { room: (await line.told('room')) as string, key: newKey() };
    onProgress?.({ step: 'waiting', movedBytes: 0 });
    const joined = line.told('joined').then(() => SecretChannel.open(line, secret, 'opener'));
    const done = joined
      .then((channel) => {
        // From here on the other device learns why.
        signal?.removeEventListener('abort', stop);
        return new Outgoing(machine, channel, options).run();
      })
      .catch((thrown) => {
        line.close();
        throw asError(thrown, signal);
      })
      .finally(() => signal?.removeEventListener('abort', stop));
    // The caller may look at the link first.
    done.catch(() => {});
    return { link: linkTo(secret, page), done };
  } catch (thrown) {
    line.close();
    throw asError(thrown, signal);
  }
}

function asError(thrown: unknown, signal: AbortSignal | undefined): HoldfastError {
  const error = HoldfastError.from(thrown, 'migration-failed', 'The machine was not sent');
  // A cancel that came too late: the guest waits for a decision.
  if (!signal?.aborted || error.code === 'migration-unconfirmed') return error;
  return HoldfastError.from(signal.reason, 'cancelled', 'Sending was cancelled');
}

class Outgoing {
  readonly #machine: SentMachine;
  readonly #channel: SecretChannel;
  readonly #options: SendOptions;
  /** Aborts when either device gives up. */
  readonly #stopped = new AbortController();
  #movedBytes = 0;
  #fraction: number | undefined;
  #isDirect = false;

  constructor(machine: SentMachine, channel: SecretChannel, options: SendOptions) {
    this.#machine = machine;
    this.#channel = channel;
    this.#options = options;
  }

  async run(): Promise<SendReport> {
    const channel = this.#channel;
    const { signal } = this.#options;
    const stop = (why: unknown) =>
      this.#stopped.abort(HoldfastError.from(why, 'cancelled', 'Sending was cancelled'));
    const onAbort = () => stop(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    channel.signal.addEventListener('abort', () => stop(channel.signal.reason), { once: true });
    void channel.next('cancel').then(
      () => stop(new HoldfastError('cancelled', 'The other device cancelled it.')),
      () => {},
    );
    let direct: DirectLine | undefined;
    try {
      if (signal?.aborted) onAbort();
      const answer = await this.#confirmed();
      direct = await this.#accepted(answer);
      const report = await this.#send(answer, await this.#connected(direct));
      await channel.tell({ done: true });
      await channel.close();
      return report;
    } catch (thrown) {
      const error = HoldfastError.from(thrown, 'migration-failed', 'The machine was not sent');
      await channel.close(error);
      // The migration itself does not know who cancelled it.
      throw error.code === 'cancelled' ? (this.#stopped.signal.reason ?? error) : error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      direct?.close();
    }
  }

  async #confirmed(): Promise<SendAnswer> {
    this.#tell('confirming');
    const { signal } = this.#stopped;
    const answer = await this.#unlessStopped(Promise.resolve(this.#options.confirm(signal)));
    if (answer) return answer;
    throw new HoldfastError('not-approved', 'The machine is not sent: that was declined.');
  }

  /** @returns an attempt at a direct connection */
  async #accepted(answer: SendAnswer): Promise<DirectLine | undefined> {
    this.#tell('accepting');
    const { config } = this.#machine.status ?? {};
    if (!config) throw new HoldfastError('no-machine', 'There is no machine to be sent.');
    const { name, memoryMiB } = config;
    const offer = { name, memoryMiB, isClone: answer === 'clone' };
    await this.#channel.tell({ offer });
    const { isDirect } = await this.#unlessStopped(this.#channel.next('isDirect'));
    this.#tell('connecting');
    return isDirect && canConnectDirectly(this.#options)
      ? new DirectLine(this.#channel, 'first', this.#options)
      : undefined;
  }

  /** Resolves once the other device listens. */
  async #connected(direct: DirectLine | undefined): Promise<MessageSocket> {
    const channel = this.#channel;
    const found = await direct?.socket();
    this.#isDirect = found !== undefined;
    const socket = found ?? new SecretSocket(channel);
    await channel.tell({ goDirect: this.#isDirect });
    await this.#unlessStopped(channel.next('ready'));
    return socket as MessageSocket;
  }

  async #send(answer: SendAnswer, socket: MessageSocket): Promise<SendReport> {
    const beganMs = performance.now();
    const report = await (answer === 'clone' ? this.#clone(socket) : this.#migrate(socket));
    return {
      isClone: answer === 'clone',
      isDirect: this.#isDirect,
      movedBytes: this.#movedBytes,
      totalMs: performance.now() - beganMs,
      ...report,
    };
  }

  async #migrate(socket: MessageSocket): Promise<{ downtimeMs: number }> {
    const machine = this.#machine;
    const { signal } = this.#stopped;
    // Too late once the other device may run the guest. It then decides.
    const cancel = () => void machine.migrateCancel().catch(() => {});
    let isOver = false;
    const timer = setInterval(() => {
      machine.migrationInfo().then(
        ({ transferredBytes, remainingBytes, totalBytes }) => {
          // Progress after the end would hide it.
          if (isOver) return;
          if (totalBytes) this.#movedTo(1 - remainingBytes / totalBytes);
          this.#moved(transferredBytes);
        },
        () => {},
      );
      if (signal.aborted) cancel();
    }, progressMs);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      this.#moved(0);
      signal.throwIfAborted();
      // Both devices leave the room afterwards.
      const options = { ...patience, ...this.#options.migrate, relayConnections: false };
      const { downtimeMs, transferredBytes } = await machine.migrate(socket, options);
      this.#movedBytes = transferredBytes;
      return { downtimeMs };
    } finally {
      isOver = true;
      clearInterval(timer);
      signal.removeEventListener('abort', cancel);
    }
  }

  /** A state file of the machine, which runs on here. */
  async #clone(socket: MessageSocket): Promise<object> {
    const { signal } = this.#stopped;
    const stream = this.#machine.exportState({
      signal,
      onProgress: ({ writtenBytes }) => this.#moved(writtenBytes),
    });
    await sendStateFile(socket, stream, signal);
    await this.#unlessStopped(this.#channel.next('opened'));
    return {};
  }

  /** A guest that writes makes memory remain again. A bar does not go back. */
  #movedTo(fraction: number): void {
    this.#fraction = Math.max(this.#fraction ?? 0, fraction);
  }

  #moved(movedBytes: number): void {
    this.#movedBytes = movedBytes;
    this.#tell('sending');
  }

  #tell(step: SendProgress['step']): void {
    this.#options.onProgress?.({
      step,
      movedBytes: this.#movedBytes,
      ...(step === 'sending' && { isDirect: this.#isDirect }),
      ...(step === 'sending' && this.#fraction !== undefined && { fraction: this.#fraction }),
    });
  }

  async #unlessStopped<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#stopped;
    signal.throwIfAborted();
    return new Promise<T>((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }
}
