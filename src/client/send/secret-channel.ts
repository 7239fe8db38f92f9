/** Encrypted messages between two devices over a relay that neither trusts. */
import { HoldfastError, holdfastErrorCodes } from '../../errors.ts';
import type { RelayLine } from './relay-line.ts';
import {
  decodeHello,
  encodeHello,
  keyOf,
  newSalt,
  otherRole,
  type Role,
  SealedMessages,
} from './sealed-messages.ts';
import type { SendSecret } from './send-link.ts';

/** First byte of a message, before encryption. */
const kinds = { note: 0, frame: 1, alive: 2, endOfFrames: 3 } as const;

/** Notes of both devices, in JSON. All parts may be absent, and nothing of a peer is trusted. */
export type Note = Record<string, unknown>;

interface FrameListener {
  frame(bytes: Uint8Array<ArrayBuffer>): void;
  /** No frame follows. */
  end(): void;
}

const aliveMs = 20_000;
/** Longest wait for the other device's proof. */
const proofMs = 30_000;
/** A peer that sends faster than this device decrypts is ended. */
const mostWaitingBytes = 24 << 20;

export class SecretChannel {
  readonly #line: RelayLine;
  readonly #out: SealedMessages;
  readonly #in: SealedMessages;
  #sending: Promise<void> = Promise.resolve();
  #receiving: Promise<void> = Promise.resolve();
  #unsealedBytes = 0;
  #waitingBytes = 0;
  readonly #notes: Note[] = [];
  #noted: (() => void)[] = [];
  readonly #over = new AbortController();
  readonly #alive: ReturnType<typeof setInterval>;
  #isProven = false;
  frames: FrameListener | undefined;

  private constructor(line: RelayLine, out: CryptoKey, into: CryptoKey) {
    this.#line = line;
    this.#out = new SealedMessages(out);
    this.#in = new SealedMessages(into);
    this.#alive = setInterval(() => void this.#send(kinds.alive, new Uint8Array()), aliveMs);
  }

  /**
   * Resolves once the other device has proven that it has the key. Nothing but a greeting was sent before.
   * @throws HoldfastError `bad-link` for another key
   */
  static async open(line: RelayLine, secret: SendSecret, role: Role): Promise<SecretChannel> {
    const own = newSalt();
    line.send(encodeHello(own));
    const other = otherRole(role);
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let channel: SecretChannel | undefined;
    let lost: HoldfastError | undefined;
    const hello = await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
      let isFirst = true;
      line.listen({
        message: (bytes) => {
          if (channel) channel.#arrived(bytes);
          else if (isFirst) resolve(bytes);
          // Keys are still being derived.
          else if (messages.push(bytes) > 16) reject(tooMuch());
          isFirst = false;
        },
        gone: (why) => {
          lost = why;
          reject(why);
          if (channel) channel.#lineEnded(why);
        },
      });
    });
    const salts = { [role]: own, [other]: decodeHello(hello) } as Record<Role, Uint8Array>;
    const [out, into] = await Promise.all([
      keyOf(secret, salts, role),
      keyOf(secret, salts, other),
    ]);
    channel = new SecretChannel(line, out, into);
    for (const bytes of messages) channel.#arrived(bytes);
    if (lost) channel.#lineEnded(lost);
    await channel.#prove(role);
    return channel;
  }

  /** Aborts with a HoldfastError when nothing more arrives. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Bytes that have not left this device. */
  get bufferedAmount(): number {
    return this.#unsealedBytes + this.#line.bufferedAmount;
  }

  tell(note: Note): Promise<void> {
    return this.#send(kinds.note, new TextEncoder().encode(JSON.stringify(note)));
  }

  /** Resolves with the next note that has this part. @throws HoldfastError once nothing more arrives */
  async next(name: string): Promise<Note> {
    for (;;) {
      const at = this.#notes.findIndex((note) => name in note);
      const [note] = at < 0 ? [] : this.#notes.splice(at, 1);
      if (note) return note;
      this.signal.throwIfAborted();
      await new Promise<void>((resolve) => this.#noted.push(resolve));
    }
  }

  /** Called with each note about a direct connection. Without it such a note is dropped. */
  onSignalling: ((note: Note) => void) | undefined;

  sendFrame(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#send(kinds.frame, bytes);
  }

  endFrames(): void {
    void this.#send(kinds.endOfFrames, new Uint8Array());
  }

  /** Ends it at both devices. @param why for the other device; absent: all is done */
  async close(why?: HoldfastError): Promise<void> {
    if (why) void this.tell({ end: { code: why.code, message: why.message } });
    await this.#sending;
    this.#end(why ?? new HoldfastError('cancelled', 'The channel was closed.'));
  }

  async #prove(role: Role): Promise<void> {
    void this.tell({ proof: role });
    const timer = setTimeout(() => this.#end(silent()), proofMs);
    try {
      await this.next('proof');
    } finally {
      clearTimeout(timer);
    }
  }

  #send(kind: number, body: Uint8Array): Promise<void> {
    const plain = new Uint8Array(1 + body.length);
    plain[0] = kind;
    plain.set(body, 1);
    this.#unsealedBytes += plain.length;
    this.#sending = this.#sending.then(async () => {
      if (this.signal.aborted) return;
      const sealed = await this.#out.seal(plain);
      this.#unsealedBytes -= plain.length;
      this.#line.send(sealed);
    });
    return this.#sending;
  }

  #arrived(sealed: Uint8Array<ArrayBuffer>): void {
    this.#waitingBytes += sealed.length;
    if (this.#waitingBytes > mostWaitingBytes) this.#end(tooMuch());
    this.#receiving = this.#receiving.then(async () => {
      if (this.signal.aborted) return;
      try {
        const plain = await this.#in.open(sealed);
        this.#waitingBytes -= sealed.length;
        this.#isProven = true;
        this.#take(plain);
      } catch (thrown) {
        this.#end(thrown instanceof HoldfastError ? thrown : this.#unreadable(thrown));
      }
    });
  }

  #take(plain: Uint8Array<ArrayBuffer>): void {
    const body = plain.subarray(1);
    if (plain[0] === kinds.note) this.#takeNote(body);
    else if (plain[0] === kinds.frame) this.frames?.frame(body);
    else if (plain[0] === kinds.endOfFrames) this.frames?.end();
    else if (plain[0] !== kinds.alive)
      throw new HoldfastError('migration-failed', 'The other device sent an unknown message.');
  }

  #takeNote(body: Uint8Array): void {
    const note = noteOf(body);
    if ('end' in note) throw endOf(note.end);
    if ('sdp' in note || 'ice' in note) {
      this.onSignalling?.(note);
      return;
    }
    if (this.#notes.push(note) > mostNotes) throw tooMuch();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#noted.splice(0)) wake();
  }

  #unreadable(cause: unknown): HoldfastError {
    return this.#isProven
      ? new HoldfastError(
          'migration-failed',
          'The relay changed, repeated or lost a message. Try again, or use another relay.',
          { cause },
        )
      : new HoldfastError(
          'bad-link',
          'The other device has another key. Copy the whole link, or ask its sender for a new one.',
          { cause },
        );
  }

  /** Messages that arrived before still count. */
  #lineEnded(why: HoldfastError): void {
    void this.#receiving.then(() => this.#end(why));
  }

  #end(why: HoldfastError): void {
    if (this.signal.aborted) return;
    clearInterval(this.#alive);
    this.#over.abort(why);
    this.#wake();
    this.frames?.end();
    this.#line.close();
  }
}

const mostNotes = 32;

function noteOf(body: Uint8Array): Note {
  try {
    const note: unknown = JSON.parse(new TextDecoder().decode(body));
    if (note && typeof note === 'object' && !Array.isArray(note)) return note as Note;
  } catch {
    // Falls through to the same answer.
  }
  throw new HoldfastError('migration-failed', 'The other device sent an unknown message.');
}

/** The other device's own words. */
function endOf(end: unknown): HoldfastError {
  const { code, message } = Object(end) as { code?: unknown; message?: unknown };
  const known = holdfastErrorCodes.find((one) => one === code) ?? 'migration-failed';
  const given = typeof message === 'string' ? message.slice(0, 500) : 'It gave no reason.';
  const text = given.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}');
  return new HoldfastError(known, `The other device: ${text}`);
}

const tooMuch = () =>
  new HoldfastError('migration-failed', 'The other device sends more than there is room for.');

const silent = () =>
  new HoldfastError('migration-failed', 'The other device does not answer. Try again.');
