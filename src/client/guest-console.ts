import { HoldfastError } from '../errors.ts';
import type { ConsoleChunk, ConsoleLog } from './console-log.ts';
import { ConsoleText } from './console-text.ts';
import type { ConsoleReadOptions, GuestConsole, WaitForOptions } from './console-types.ts';
import { type IterableStream, iterable } from './iterable-stream.ts';
import { PacedCheck } from './paced-check.ts';

const defaultTimeoutMs = 30_000;
const shownCharacters = 2000;
/** Longest chunk of a stream: a terminal shows it in one go. */
const chunkBytes = 64 * 1024;

/** A console over a connection. */
export class RemoteConsole implements GuestConsole {
  readonly name: string;
  readonly #log: ConsoleLog;
  readonly #send: (data: string | Uint8Array) => Promise<void>;

  constructor(name: string, log: ConsoleLog, send: (data: string | Uint8Array) => Promise<void>) {
    this.name = name;
    this.#log = log;
    this.#send = send;
  }

  get end(): number {
    return this.#log.end(this.name);
  }

  text(from = 0): string {
    return new TextDecoder().decode(this.#log.read(this.name, from).bytes);
  }

  write(data: string | Uint8Array): Promise<void> {
    return this.#send(data);
  }

  readable(options?: ConsoleReadOptions): IterableStream<Uint8Array> {
    return this.#stream(({ bytes }) => bytes, options);
  }

  chunks(options?: ConsoleReadOptions): IterableStream<ConsoleChunk> {
    return this.#stream((chunk) => chunk, options);
  }

  #stream<T>(
    of: (chunk: ConsoleChunk) => T,
    { from = 0 }: ConsoleReadOptions = {},
  ): IterableStream<T> {
    let next = Math.min(from, this.end);
    let stop = () => {};
    let give = () => {};
    return iterable(
      new ReadableStream<T>({
        start: (controller) => {
          give = () => {
            // The log keeps unread output, and is bounded.
            if ((controller.desiredSize ?? 0) <= 0 || this.end <= next) return;
            const chunk = this.#log.chunk(this.name, next, chunkBytes);
            next = chunk.offset + chunk.bytes.length;
            controller.enqueue(of(chunk));
          };
          const cut = (offset: number) => {
            next = Math.min(next, offset);
          };
          stop = this.#log.follow(this.name, { grew: () => give(), cut });
          give();
        },
        pull: () => give(),
        cancel: () => stop(),
      }),
    );
  }

  get writable(): WritableStream<Uint8Array | string> {
    return new WritableStream({ write: (data) => this.#send(data) });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = this.readable().getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel();
    }
  }

  waitFor(
    pattern: RegExp,
    { from = 0, timeoutMs = defaultTimeoutMs, signal }: WaitForOptions = {},
  ): Promise<RegExpExecArray> {
    const test = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return new Promise((resolve, reject) => {
      const check = new PacedCheck(() => {
        const found = test.exec(output.text);
        if (found) settle(() => resolve(found));
      });
      const settle = (action: () => void) => {
        clearTimeout(timer);
        output.end();
        check.end();
        signal?.removeEventListener('abort', abort);
        action();
      };
      const abort = () =>
        settle(() =>
          reject(HoldfastError.from(signal?.reason, 'cancelled', 'The wait was given up')),
        );
      const timer = setTimeout(() => {
        // The latest output may not have been tested yet.
        check.run();
        if (check.hasEnded) return;
        const message = `${this.name} did not show ${pattern} within ${timeoutMs} ms. Its end:\n`;
        const end = output.text.slice(-shownCharacters);
        settle(() => reject(new HoldfastError('guest-silent', message + end)));
      }, timeoutMs);
      const output = new ConsoleText(this.#log, this.name, from, () => check.request());
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      else check.run();
    });
  }
}
