import type { SoundChunk } from '../client/sound.ts';
import type { Machine } from '../client/types.ts';

/** Seconds of sound kept in reserve, so that a short delay of guest or page is not heard. */
const leadS = 0.06;
/** Longest delay behind the guest, s. Later chunks are dropped. */
const mostBehindS = 0.25;

/**
 * Plays the guest's sound after the first user gesture on the page, because browsers block sound
 * before. While it is muted, the guest sends no sound.
 */
export class GuestSound {
  #machine: Machine | null = null;
  #muted: boolean;
  #isAllowed = false;
  /** Listens for gestures while the page has a machine. */
  #gestures = new AbortController();
  #reader: ReadableStreamDefaultReader<SoundChunk> | null = null;
  #output: GainNode | null = null;
  /** Time of the audio context at which the next samples start. */
  #nextAt = 0;

  constructor({ muted }: { muted: boolean }) {
    this.#muted = muted;
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    this.#update();
  }

  /** @param machine replaces the previous one; null if the page has none any more */
  follow(machine: Machine | null): void {
    this.#end();
    this.#machine = machine;
    this.#gestures.abort();
    if (machine) this.#awaitGestures();
    machine?.on('status', () => {
      if (this.#machine === machine) this.#update();
    });
    this.#update();
  }

  #awaitGestures(): void {
    this.#isAllowed ||= navigator.userActivation?.hasBeenActive ?? false;
    this.#gestures = new AbortController();
    const { signal } = this.#gestures;
    for (const gesture of ['pointerdown', 'keydown'] as const)
      document.addEventListener(gesture, () => this.#allow(), { capture: true, signal });
  }

  #allow(): void {
    this.#isAllowed = true;
    // A context that was created before the first gesture waits for this.
    if (this.#reader && this.#output?.context.state === 'suspended') this.#resume();
    this.#update();
  }

  #update(): void {
    const { config, destroyed } = this.#machine?.status ?? {};
    const isWanted = config?.sound === true && !destroyed && !this.#muted && this.#isAllowed;
    if (!isWanted) this.#end();
    else if (!this.#reader && this.#machine) this.#begin(this.#machine);
  }

  #begin(machine: Machine): void {
    const reader = machine.sound().getReader();
    this.#reader = reader;
    this.#resume();
    this.#playAll(reader).catch((thrown: unknown) => {
      // The keeper is too old or has gone; the page shows that elsewhere.
      console.warn('The guest cannot be heard:', thrown);
    });
  }

  #end(): void {
    const reader = this.#reader;
    if (!reader) return;
    this.#reader = null;
    reader.cancel().catch(() => {});
    void this.#context.suspend();
  }

  async #playAll(reader: ReadableStreamDefaultReader<SoundChunk>): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#reader !== reader) return;
      this.#play(value);
    }
  }

  #play({ sampleRate, left, right }: SoundChunk): void {
    const context = this.#context;
    const now = context.currentTime;
    if (this.#nextAt < now) this.#nextAt = now + leadS;
    if (this.#nextAt > now + mostBehindS) return;
    const buffer = context.createBuffer(2, left.length, sampleRate);
    buffer.copyToChannel(left, 0);
    buffer.copyToChannel(right, 1);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#node);
    source.start(this.#nextAt);
    this.#nextAt += buffer.duration;
  }

  #resume(): void {
    // Rejected before the first gesture; the next gesture tries it again.
    this.#context.resume().catch(() => {});
  }

  get #context(): AudioContext {
    return this.#node.context as AudioContext;
  }

  /** Created when it is first needed: a page without sound does not use the audio device. */
  get #node(): GainNode {
    if (!this.#output) {
      // Runtimes send 48,000 frames a second, so that nothing is resampled here.
      const context = new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' });
      this.#output = context.createGain();
      this.#output.connect(context.destination);
    }
    return this.#output;
  }
}
