/**
 * A keeper whose cprSave and cprLoad fail at a point that a test selects; bundled in place of
 * keeper.js.
 */
import { servePages } from '../../src/keeper/serve-pages.ts';

export interface KillPoint {
  operation: 'cprSave' | 'cprLoad';
  step: string;
  when: 'before' | 'after';
}

/** A test posts a {@link KillPoint} or null, and waits until it is sent back. */
const channel = new BroadcastChannel('holdfast-kill');
let point: KillPoint | null = null;
channel.addEventListener('message', ({ data }: MessageEvent<{ arm?: KillPoint | null }>) => {
  if (data.arm === undefined) return;
  point = data.arm;
  channel.postMessage({ armed: point });
});

servePages({
  around: (operation, step, when) => {
    const isHere = point?.operation === operation && point.step === step && point.when === when;
    if (isHere) throw new Error(`killed ${when} ${step}`);
  },
});
