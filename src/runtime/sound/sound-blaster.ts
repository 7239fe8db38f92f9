/**
 * The Sound Blaster 16. v86 has its registers and DMA, and hands over samples on request
 * (`dac-request-data`). They are requested at the pace at which they are played, even without
 * listeners. So a guest's driver gets its interrupts in time.
 */
import type { RuntimeHost } from '../../protocol/abi.ts';
import { type SoundBuffer, soundRate } from './sound-buffer.ts';

/** Samples of the card that were not played yet, at the card's rate. */
interface Waiting extends SoundBuffer {
  /** Played part of the first of them, 0 to 1. */
  fraction: number;
}

/** Gain of v86's own page: the card's mixer starts 28 dB below a guest's maximum. */
const gain = 3;
/** Registers of the mixer. Volumes have 2 dB a step of 8, 62 dB in all. */
const mixer = { master: 0x30, voice: 0x32, gain: 0x41 } as const;
const keptName = 'sound.waiting';

export class SoundBlaster {
  readonly #card: V86SoundBlaster;
  readonly #bus: V86Bus;
  /** Kept by the keeper, so that a live update loses none of them. */
  readonly #waiting: Waiting;

  constructor(card: V86SoundBlaster, bus: V86Bus, { kept }: Pick<RuntimeHost, 'kept'>) {
    this.#card = card;
    this.#bus = bus;
    const waiting = kept.get(keptName) as Waiting | undefined;
    this.#waiting = waiting ?? {
      left: new Float32Array(0),
      right: new Float32Array(0),
      fraction: 0,
    };
    kept.set(keptName, this.#waiting);
    bus.register('dac-send-data', (channels: [Samples, Samples]) => this.#take(channels), this);
  }

  get isPlaying(): boolean {
    const { dma_bytes_left, dma_paused, dac_buffers } = this.#card;
    const isSending = dma_bytes_left > 0 && !dma_paused;
    return isSending || (dac_buffers[0]?.length ?? 0) > 0 || this.#waiting.left.length > 1;
  }

  /** Resets the card: v86 does not pass a machine's reset to it. */
  reset(): void {
    this.#card.dsp_reset();
    this.clear();
  }

  /** Drops waiting samples: the guest is at another moment. */
  clear(): void {
    Object.assign(this.#waiting, { left: new Float32Array(0), right: new Float32Array(0) });
  }

  /** True if an interrupt waits for the guest. */
  get hasInterrupt(): boolean {
    return this.#card.irq_triggered.includes(1);
  }

  /** Plays up to `to - from` frames. @param into absent without listeners */
  play(into: SoundBuffer | undefined, from: number, to: number): void {
    const rate = this.#card.sampling_rate;
    if (!this.isPlaying || !(rate > 0)) return;
    const step = rate / soundRate;
    const waiting = this.#waiting;
    this.#request(Math.ceil(waiting.fraction + (to - from) * step) + 1);
    const { left, right } = waiting;
    const most = left.length - 1;
    const [leftGain, rightGain] = this.#gains();
    let position = waiting.fraction;
    for (let i = from; i < to && position < most; i++, position += step) {
      if (!into) continue;
      const at = Math.floor(position);
      into.left[i] = leftGain * between(left, at, position - at);
      into.right[i] = rightGain * between(right, at, position - at);
    }
    const played = Math.min(Math.floor(position), Math.max(most, 0));
    waiting.fraction = position - played < 1 ? position - played : 0;
    waiting.left = left.slice(played);
    waiting.right = right.slice(played);
  }

  /** Requests samples until this many wait or the card has no more. */
  #request(samples: number): void {
    for (;;) {
      const { length } = this.#waiting.left;
      if (length >= samples) return;
      this.#bus.send('dac-request-data');
      if (this.#waiting.left.length === length) return;
    }
  }

  #take([left, right]: [Samples, Samples]): void {
    this.#waiting.left = joined(this.#waiting.left, left);
    this.#waiting.right = joined(this.#waiting.right, right);
  }

  #gains(): [number, number] {
    const { mixer_registers } = this.#card;
    const register = (number: number) => mixer_registers[number] ?? 0;
    const volume = (number: number) => 10 ** (((register(number) >>> 2) - 62) / 20);
    const boost = (number: number) => 10 ** ((6 * (register(number) >>> 6)) / 20);
    const ear = (side: 0 | 1) =>
      gain * volume(mixer.master + side) * volume(mixer.voice + side) * boost(mixer.gain + side);
    return [ear(0), ear(1)];
  }
}

type Samples = Float32Array<ArrayBuffer>;

function joined(first: Samples, second: Samples): Samples {
  const all = new Float32Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

const between = (samples: Samples, at: number, fraction: number): number => {
  const sample = samples[at] ?? 0;
  return sample + fraction * ((samples[at + 1] ?? sample) - sample);
};
