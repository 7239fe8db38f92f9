/** The guest's sound, as streams of samples. */
import type { MachineCore } from './machine-core.ts';

/** Some milliseconds of stereo sound. */
export interface SoundChunk {
  /** Frames (one sample for each channel) a second. */
  sampleRate: number;
  /** From -1 to 1. */
  left: Float32Array<ArrayBuffer>;
  right: Float32Array<ArrayBuffer>;
}

/** One second at the rate that runtimes send. */
const mostFrames = 48_000;
/** Frames after which the page reports to the keeper that it received them. */
const reportFrames = mostFrames / 4;

/**
 * One subscription for all streams. The keeper sends no more frames than the page has requested.
 * The page requests more only when some have arrived. So frames do not accumulate for a page that is
 * stuck.
 */
export class SoundFeed {
  readonly #machine: Pick<MachineCore, 'on'>;
  readonly #listen: (frames: number) => Promise<void>;
  readonly #readers = new Set<ReadableStreamDefaultController<SoundChunk>>();
  #stop: (() => void) | undefined;
  #arrived = 0;

  /** @param listen requests that many more frames from the keeper; 0 ends it */
  constructor(machine: Pick<MachineCore, 'on'>, listen: (frames: number) => Promise<void>) {
    this.#machine = machine;
    this.#listen = listen;
  }

  /** Returns a stream. It errors if the keeper is too old to send sound. */
  stream(): ReadableStream<SoundChunk> {
    let reader: ReadableStreamDefaultController<SoundChunk>;
    return new ReadableStream<SoundChunk>(
      {
        start: (controller) => {
          reader = controller;
          this.#readers.add(reader);
          this.#begin();
        },
        cancel: () => {
          this.#readers.delete(reader);
          if (this.#readers.size === 0) this.#end();
        },
      },
      { highWaterMark: mostFrames, size: ({ left }) => left.length },
    );
  }

  #begin(): void {
    if (this.#stop) return;
    this.#stop = this.#machine.on('audio', ({ sampleRate, left, right }) => {
      this.#arrived += left.length;
      if (this.#arrived >= reportFrames) {
        this.#take(this.#arrived);
        this.#arrived = 0;
      }
      for (const reader of this.#readers)
        if ((reader.desiredSize ?? 0) > 0) reader.enqueue({ sampleRate, left, right });
    });
    this.#take(mostFrames);
  }

  /** Asks another keeper, which the guest moved to. */
  again(): void {
    this.#arrived = 0;
    if (this.#stop) this.#take(mostFrames);
  }

  #end(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#arrived = 0;
    // A keeper that is gone sends nothing either.
    this.#listen(0).catch(() => {});
  }

  #take(frames: number): void {
    this.#listen(frames).catch((thrown: unknown) => {
      for (const reader of this.#readers) reader.error(thrown);
      this.#readers.clear();
      this.#stop?.();
      this.#stop = undefined;
    });
  }
}
