/**
 * The sound of a guest, mixed and at one rate. It is played at the pace of the guest's clock, but
 * mixed and sent only to listeners.
 */
import { HoldfastError } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { PcSpeaker, readySpeaker } from './pc-speaker.ts';
import { SoundBlaster } from './sound-blaster.ts';
import { type SoundBuffer, soundRate } from './sound-buffer.ts';

/** Frames in one event: 20 ms. */
const chunkFrames = 960;
const framesPerMs = soundRate / 1000;
/** Longest sleep of an idle guest during a sound, ms. */
const paceMs = 5;
/** Longest gap that is played, ms. Sound that a machine misses beyond it is dropped. */
const longestStepMs = 100;

interface SoundOptions {
  host: RuntimeHost;
  cpu: V86Cpu;
  bus: V86Bus;
}

/** Prepares a machine with sound, before its device state is saved or loaded. */
export const readySound = readySpeaker;

export class Sound {
  readonly #host: RuntimeHost;
  readonly #speaker: PcSpeaker;
  readonly #card: SoundBlaster;
  /** The next event's frames, and the number of those that are filled. */
  #chunk: SoundBuffer = emptyChunk();
  #filled = 0;
  /** Frames played since the runtime began. */
  #played = 0;
  /** Time up to which they were played, ms. */
  #atMs: number;
  #listened = false;

  constructor({ host, cpu, bus }: SoundOptions) {
    const { sb16 } = cpu.devices;
    if (!sb16) throw new HoldfastError('runtime-incompatible', "v86's Sound Blaster is not there.");
    this.#host = host;
    this.#atMs = host.clock();
    this.#speaker = new PcSpeaker(cpu, bus, () => this.#played + this.#dueFrames(host.clock()));
    this.#card = new SoundBlaster(sb16, bus, host);
  }

  setListened(listened: boolean): void {
    this.#listened = listened;
    if (!listened) this.#filled = 0;
  }

  /** Resumes the clock: no time has passed for the guest. */
  run(): void {
    this.#atMs = this.#host.clock();
  }

  /** Sends the rest when the guest stops. */
  stop(): void {
    this.#send();
  }

  reset(): void {
    this.#speaker.reset();
    this.#card.reset();
  }

  /** Follows a newly loaded device state. */
  loaded(): void {
    this.#speaker.loaded();
  }

  /** Drops waiting samples: the guest is at another moment. */
  clear(): void {
    this.#filled = 0;
    this.#card.clear();
  }

  /**
   * Plays up to now. Call this between two steps of the guest.
   * @returns the longest time for which the guest may sleep, ms
   */
  pump(): number {
    const nowMs = this.#host.clock();
    const frames = this.#dueFrames(nowMs);
    const isAudible = this.#speaker.isAudible || this.#card.isPlaying;
    const hadInterrupt = this.#card.hasInterrupt;
    // The rest of a frame is due with the next one.
    this.#atMs = Math.max(this.#atMs + frames / framesPerMs, nowMs - 1 / framesPerMs);
    if (isAudible) this.#play(frames);
    else this.#send();
    this.#played += frames;
    if (this.#card.hasInterrupt && !hadInterrupt) return 0;
    return isAudible ? paceMs : Number.POSITIVE_INFINITY;
  }

  #dueFrames(nowMs: number): number {
    const elapsedMs = Math.min(nowMs - this.#atMs, longestStepMs);
    return Math.max(Math.floor(elapsedMs * framesPerMs), 0);
  }

  #play(frames: number): void {
    if (!this.#listened) {
      this.#card.play(undefined, 0, frames);
      this.#speaker.skip();
      return;
    }
    for (let done = 0; done < frames; ) {
      const from = this.#filled;
      const to = Math.min(from + frames - done, chunkFrames);
      this.#card.play(this.#chunk, from, to);
      this.#speaker.render(this.#chunk, this.#played + done, from, to);
      this.#filled = to;
      done += to - from;
      if (to === chunkFrames) this.#send();
    }
  }

  /** Sends the filled part of the chunk. */
  #send(): void {
    if (this.#filled === 0) return;
    const left = clipped(this.#chunk.left, this.#filled);
    const right = clipped(this.#chunk.right, this.#filled);
    this.#chunk = emptyChunk();
    this.#filled = 0;
    this.#host.emit({ type: 'audio', sampleRate: soundRate, left, right }, [
      left.buffer,
      right.buffer,
    ]);
  }
}

function emptyChunk(): SoundBuffer {
  return { left: new Float32Array(chunkFrames), right: new Float32Array(chunkFrames) };
}

function clipped(samples: Float32Array<ArrayBuffer>, length: number): Float32Array<ArrayBuffer> {
  return samples.slice(0, length).map((sample) => Math.max(-1, Math.min(1, sample)));
}
