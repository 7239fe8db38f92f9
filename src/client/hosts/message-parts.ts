/** Messages of a migration as frames, and back. See docs/spec/migration.md, "Between hosts". */
import { HoldfastError } from '../../errors.ts';
import { frameBytes } from './transport.ts';

/** The first byte of a frame. */
export const frameKind = {
  /** A part of a message that is not its last one. */
  part: 0,
  last: 1,
  /** Says only that the sender is there. */
  alive: 2,
  /** A message of {@link RelayLane}. */
  relay: 3,
} as const;

/** [MS5] No message is larger. */
const largestMessageBytes = 16 * 1024 * 1024;
const partBytes = frameBytes - 1;

export function* framesOf(message: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  let at = 0;
  do {
    const part = message.subarray(at, at + partBytes);
    at += part.length;
    const frame = new Uint8Array(1 + part.length);
    frame[0] = at < message.length ? frameKind.part : frameKind.last;
    frame.set(part, 1);
    yield frame;
  } while (at < message.length);
}

export const aliveFrame = (): Uint8Array<ArrayBuffer> => Uint8Array.of(frameKind.alive);

const broken = (what: string) =>
  new HoldfastError('migration-failed', `The other host sent ${what}.`);

/** Joins frames of a peer that is not trusted. It keeps only what has arrived. */
export class MessageJoiner {
  #parts: Uint8Array[] = [];

  /**
   * Returns a message with its last frame.
   * @throws HoldfastError `migration-failed` for a frame against the rules
   */
  take(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    if (frame.length === 0 || frame.length > frameBytes)
      throw broken(`a frame of ${frame.length} bytes`);
    switch (frame[0]) {
      case frameKind.alive:
        if (frame.length > 1) throw broken('a sign of life with contents');
        return undefined;
      case frameKind.part:
        // So a message has few parts.
        if (frame.length < frameBytes) throw broken('a part of a message that is not full');
        this.#parts.push(frame.subarray(1));
        if (this.#parts.length * partBytes > largestMessageBytes)
          throw broken('a message that is too large');
        return undefined;
      case frameKind.last:
        this.#parts.push(frame.subarray(1));
        return this.#joined();
      default:
        throw broken('a frame of an unknown kind');
    }
  }

  #joined(): Uint8Array<ArrayBuffer> {
    const parts = this.#parts.splice(0);
    const message = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    if (message.length > largestMessageBytes) throw broken('a message that is too large');
    let at = 0;
    for (const part of parts) {
      message.set(part, at);
      at += part.length;
    }
    return message;
  }
}
