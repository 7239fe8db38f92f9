import { HoldfastError } from '../../errors.ts';
import type { MachineEvent, ScreenContents } from '../../protocol/events.ts';

/** Combines the events that show a screen to a new page. */
export function screenContents(events: readonly MachineEvent[]): ScreenContents {
  let contents: ScreenContents | undefined;
  for (const event of events) {
    if (event.type === 'screen-text') {
      const { screen, font, cursor } = event;
      contents = { mode: 'text', screen, font, cursor };
    } else if (event.type === 'screen-graphics') {
      const { width, height } = event;
      const pixels = new Uint8ClampedArray(width * height * 4);
      contents = { mode: 'graphics', width, height, pixels };
    } else if (event.type === 'screen-frame' && contents?.mode === 'graphics') {
      putRectangle(contents, event);
    }
  }
  if (contents) return contents;
  throw new HoldfastError('internal', 'The runtime did not describe its screen.');
}

function putRectangle(
  screen: Extract<ScreenContents, { mode: 'graphics' }>,
  { x, y, width, height, pixels }: Extract<MachineEvent, { type: 'screen-frame' }>,
): void {
  const columns = Math.min(width, screen.width - x);
  const rows = Math.min(height, screen.height - y);
  if (columns <= 0) return;
  for (let row = 0; row < rows; row++) {
    const from = row * width * 4;
    const line = pixels.subarray(from, from + columns * 4);
    screen.pixels.set(line, ((y + row) * screen.width + x) * 4);
  }
}
