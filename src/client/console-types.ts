/** A console of the guest: a serial port, or the virtio console. */
import type { ConsoleChunk } from './console-log.ts';
import type { IterableStream } from './iterable-stream.ts';

export type { ConsoleChunk } from './console-log.ts';

export interface ConsoleReadOptions {
  /**
   * First byte to read: an offset since the start of the machine, see {@link GuestConsole.end}.
   * Default 0.
   */
  from?: number;
}

export interface WaitForOptions extends ConsoleReadOptions {
  /** Default 30,000 ms. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * A console as Web Streams, as an async iterable and as text. The last MiB of its output is kept,
 * also from before this page attached.
 */
export interface GuestConsole extends AsyncIterable<Uint8Array> {
  /** `serial0` to `serial3`, `virtio-console0`. */
  readonly name: string;
  /** Bytes that the guest has written since the machine began: the offset of the next one. */
  readonly end: number;
  /** The output since the machine began, or since `from`, decoded as UTF-8. */
  text(from?: number): string;
  /**
   * The output from `from` on, as a stream without an end, until it is cancelled. A slow reader misses
   * output that is more than 1 MiB behind.
   */
  readable(options?: ConsoleReadOptions): IterableStream<Uint8Array>;
  /**
   * As {@link readable}, with the offset of each chunk. An offset after the end of the last chunk means
   * that output was missed. An offset before it means that the guest went back: other output takes the
   * place of what was read from there on.
   */
  chunks(options?: ConsoleReadOptions): IterableStream<ConsoleChunk>;
  /** Input: text that is written is typed on the console. */
  readonly writable: WritableStream<Uint8Array | string>;
  write(data: string | Uint8Array): Promise<void>;
  /**
   * Resolves with the match in the output from `from` on.
   * @throws HoldfastError `guest-silent` with the end of the output if nothing matches in time;
   * `cancelled`
   */
  waitFor(pattern: RegExp, options?: WaitForOptions): Promise<RegExpExecArray>;
}
