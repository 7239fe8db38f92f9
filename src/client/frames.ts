/** The guest's screen as a stream of pictures. */
import { type Picture, pictureOf } from '../pc/picture.ts';
import type { ScreenContents } from '../protocol/events.ts';
import type { MachineCore } from './machine-core.ts';

const defaultFps = 10;
const screenEvents = [
  'screen-text',
  'screen-cells',
  'screen-font',
  'screen-cursor',
  'screen-graphics',
  'screen-frame',
] as const;

export interface FramesOptions {
  /** Highest number of pictures a second. Default 10. */
  fps?: number;
}

/**
 * Streams a picture now and one after each change, at most `fps` a second. Pictures are only taken
 * when the stream is read: a slow reader misses some, and the last one is always the newest.
 */
export function frames(
  machine: Pick<MachineCore, 'on'> & { screen(): Promise<ScreenContents> },
  { fps = defaultFps }: FramesOptions = {},
): ReadableStream<Picture> {
  const stops: (() => void)[] = [];
  let changed = true;
  let wake = () => {};
  let lastMs = Number.NEGATIVE_INFINITY;
  return new ReadableStream<Picture>(
    {
      start() {
        const note = () => {
          changed = true;
          wake();
        };
        for (const type of screenEvents) stops.push(machine.on(type, note));
      },
      async pull(controller) {
        if (!changed)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        const waitMs = lastMs + 1000 / fps - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        changed = false;
        lastMs = performance.now();
        controller.enqueue(pictureOf(await machine.screen()));
      },
      cancel() {
        for (const stop of stops) stop();
        wake();
      },
    },
    { highWaterMark: 0 },
  );
}
