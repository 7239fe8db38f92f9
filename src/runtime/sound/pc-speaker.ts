/** The PC speaker: the sound of channel 2 of the timer and port 61h, as samples. */
import { HoldfastError } from '../../errors.ts';
import { type SoundBuffer, soundRate } from './sound-buffer.ts';

const controlPort = 0x61;
/**
 * Bits of the port: the timer's gate, and the speaker itself. Firmware opens only the gate to
 * measure time.
 */
const gateAndSpeaker = 3;
/** The timer's mode for a square wave. */
const squareWave = 3;
const timerHz = 1_193_181.6666;
/** A tenth of full scale, like the small speaker of a PC. */
const amplitude = 0.1;
/** Tones above it are inaudible. Guests set their timer so for silence. */
const highestHz = 20_000;
/**
 * Limit of tone changes in one turn. A guest that changes the tone more often plays samples, which
 * are not supported.
 */
const mostChanges = 256;

/**
 * Members of v86's PIT. `speaker_control` is ours, and saved with the fields that v86's own state
 * leaves out.
 */
interface SpeakerTimer {
  counter_mode: ArrayLike<number>;
  counter_reload: ArrayLike<number>;
  /** The two lowest bits that were last written to port 61h. */
  speaker_control?: number;
}

/** Adds the speaker's state to a machine's timer. Call this before a state is saved or loaded. */
export function readySpeaker({ devices }: V86Cpu): void {
  const timer = devices.pit as SpeakerTimer | undefined;
  if (timer) timer.speaker_control = 0;
}

export class PcSpeaker {
  readonly #timer: SpeakerTimer;
  /** Future tones by their first frame; 0 is silence. */
  #changes: { frame: number; hz: number }[] = [];
  #hz = 0;
  /** Phase of the wave, 0 to 1. */
  #phase = 0;

  /** @param now returns the guest's present frame */
  constructor(cpu: V86Cpu, bus: V86Bus, now: () => number) {
    const timer = cpu.devices.pit;
    const port = cpu.io.ports[controlPort];
    if (!timer || !port)
      throw new HoldfastError('runtime-incompatible', "v86's PC speaker is not where it was.");
    this.#timer = timer as SpeakerTimer;
    const { write8 } = port;
    port.write8 = (value) => {
      write8.call(timer, value);
      this.#timer.speaker_control = value & gateAndSpeaker;
      this.#change(now());
    };
    bus.register('pcspeaker-update', () => this.#change(now()), this);
  }

  get isAudible(): boolean {
    return this.#hz > 0 || this.#changes.length > 0;
  }

  /** Resets the speaker with the machine. */
  reset(): void {
    this.#timer.speaker_control = 0;
    this.loaded();
  }

  /** Follows a newly loaded device state. */
  loaded(): void {
    this.#changes = [];
    this.#hz = this.#frequency();
  }

  /** Adds the speaker's frames to a buffer. @param first the number of the first of them */
  render({ left, right }: SoundBuffer, first: number, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const at = first + i - from;
      for (let next = this.#changes[0]; next && next.frame <= at; next = this.#changes[0]) {
        this.#hz = next.hz;
        this.#changes.shift();
      }
      if (this.#hz === 0) continue;
      // The mean over the frame: point samples of a wave sound rough.
      const step = this.#hz / soundRate;
      const sample = (amplitude * (integral(this.#phase + step) - integral(this.#phase))) / step;
      this.#phase = (this.#phase + step) % 1;
      left[i] = (left[i] ?? 0) + sample;
      right[i] = (right[i] ?? 0) + sample;
    }
  }

  /** Skips all future tones as if they were rendered. */
  skip(): void {
    this.#hz = this.#changes.at(-1)?.hz ?? this.#hz;
    this.#changes = [];
  }

  #change(frame: number): void {
    const hz = this.#frequency();
    const last = this.#changes.at(-1);
    if (last ? last.hz === hz : this.#hz === hz) return;
    // The timer's two bytes are written one after the other.
    if (last && (last.frame === frame || this.#changes.length >= mostChanges)) last.hz = hz;
    else this.#changes.push({ frame, hz });
  }

  #frequency(): number {
    const { counter_mode, counter_reload, speaker_control } = this.#timer;
    if (speaker_control !== gateAndSpeaker || counter_mode[2] !== squareWave) return 0;
    const hz = timerHz / (counter_reload[2] || 0x10000);
    return hz > highestHz ? 0 : hz;
  }
}

/** Returns the integral of a square wave of amplitude 1, from 0 to `phase`. */
function integral(phase: number): number {
  const part = phase % 1;
  return part < 0.5 ? part : 1 - part;
}
