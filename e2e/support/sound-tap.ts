/** Measures the sound that a page plays. */
import { expect, type Page } from '@playwright/test';
import { soundBootSector } from '../../tools/guests/sound/boot-sector.ts';

const floppyBytes = 1_474_560;

/**
 * Floppy of a guest with tones. `w` and `b` start tones of 500 and 1,000 Hz, `q` and `n` end them. The
 * guest answers each letter with its capital.
 */
export function soundFloppy(): Uint8Array {
  const image = new Uint8Array(floppyBytes);
  image.set(Buffer.from(soundBootSector, 'base64'));
  image.set([0x55, 0xaa], 510);
  return image;
}

/** For `addInitScript`: lets {@link loudest} measure the sound that the page plays. */
export function tap(): void {
  const { connect } = AudioNode.prototype;
  AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
    if (args[0] instanceof AudioDestinationNode) {
      const analyser = new AnalyserNode(this.context, { fftSize: 4096 });
      Reflect.apply(connect, this, [analyser]);
      Object.assign(globalThis, { analyser });
    }
    return Reflect.apply(connect, this, args);
  } as typeof connect;
}

/** Returns the loudest tone that the page plays, Hz; 0 if it plays none. */
const loudest = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const { analyser } = globalThis as { analyser?: AnalyserNode };
    // A page that is muted stops its audio, and the analyser keeps its last samples.
    if (analyser?.context.state !== 'running') return 0;
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const at = levels.reduce((best, level, i) => (level > (levels[best] ?? 0) ? i : best), 0);
    // Decibels.
    if ((levels[at] ?? 0) < -60) return 0;
    return (at * analyser.context.sampleRate) / analyser.fftSize;
  });

/** Returns the length of the sound that the page has played. */
export const soundSeconds = (page: Page): Promise<number> =>
  page.evaluate(
    () => (globalThis as { analyser?: AnalyserNode }).analyser?.context.currentTime ?? 0,
  );

/** @param hz 0: silence */
export async function expectTone(page: Page, hz: number): Promise<void> {
  // Half the width of a band to either side.
  await expect
    .poll(async () => Math.abs((await loudest(page)) - hz), { message: `A tone of ${hz} Hz` })
    .toBeLessThan(12);
}
