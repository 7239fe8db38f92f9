/** A console's output as text that grows: each byte is decoded once. */
import type { ConsoleLog } from './console-log.ts';

/** Text of smaller chunks is put together. */
const pieceBytes = 16 * 1024;

interface TextChunk {
  /** Offset of the first byte. */
  offset: number;
  bytes: number;
  text: string;
}

export class ConsoleText {
  readonly #log: ConsoleLog;
  readonly #console: string;
  readonly #from: number;
  readonly #stop: () => void;
  #decoder = new TextDecoder();
  #chunks: TextChunk[] = [];
  #next: number;

  /** @param grew called after each new output */
  constructor(log: ConsoleLog, console: string, from: number, grew: () => void) {
    this.#log = log;
    this.#console = console;
    this.#from = from;
    this.#next = from;
    this.#stop = log.follow(console, {
      grew,
      cut: (offset) => {
        if (offset < this.#next) this.#beginAnew();
      },
    });
  }

  /** All that the log has from the first offset on. */
  get text(): string {
    this.#take();
    return this.#chunks.map(({ text }) => text).join('');
  }

  end(): void {
    this.#stop();
  }

  #beginAnew(): void {
    this.#decoder = new TextDecoder();
    this.#chunks = [];
    this.#next = this.#from;
  }

  #take(): void {
    // The requested output is still to come.
    if (this.#log.end(this.#console) <= this.#next) return;
    const { offset, bytes } = this.#log.read(this.#console, this.#next);
    // Output in between was dropped by the log. The text before it is dropped as well.
    if (offset > this.#next) this.#beginAnew();
    this.#next = offset + bytes.length;
    this.#add(offset, bytes.length, this.#decoder.decode(bytes, { stream: true }));
    const start = this.#log.start(this.#console);
    const isForgotten = ({ offset, bytes }: TextChunk) => offset + bytes <= start;
    while (this.#chunks[0] && isForgotten(this.#chunks[0])) this.#chunks.shift();
  }

  #add(offset: number, bytes: number, text: string): void {
    const last = this.#chunks.at(-1);
    if (last && last.bytes < pieceBytes) {
      last.bytes += bytes;
      last.text += text;
    } else this.#chunks.push({ offset, bytes, text });
  }
}
