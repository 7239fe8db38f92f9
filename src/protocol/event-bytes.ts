/** Bytes of an event while it is sent or kept: the parts that grow with the guest's activity. */
import type { MachineEvent } from './events.ts';

export function eventBytes(event: MachineEvent): number {
  switch (event.type) {
    case 'console':
      return event.bytes.byteLength;
    case 'screen-frame':
      return event.pixels.byteLength;
    case 'screen-text':
      return event.screen.cells.byteLength + event.font.glyphs.byteLength;
    case 'screen-cells':
      return event.cells.byteLength;
    case 'screen-font':
      return event.font.glyphs.byteLength;
    default:
      return 0;
  }
}

const screenEvents: ReadonlySet<MachineEvent['type']> = new Set([
  'screen-text',
  'screen-cells',
  'screen-font',
  'screen-cursor',
  'screen-graphics',
  'screen-frame',
  'mouse-mode',
]);

/** Returns true if an event is part of the present screen: a later picture replaces it. */
export const isOfScreen = ({ type }: MachineEvent): boolean => screenEvents.has(type);

/** Cost of a screen event, bytes: small ones are not free. */
export const screenCost = (event: MachineEvent): number => 256 + eventBytes(event);

/** Events that a page has handled since its last report. */
export interface TakenEvents {
  /** {@link screenCost} of the events that it has drawn. */
  screen?: number;
  /** The offset up to which it has processed the output, by console. */
  consoles?: Record<string, number>;
}
