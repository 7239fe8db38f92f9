/**
 * A keeper that fails, or ends, at a point of an operation that a test selects. It is bundled in
 * place of keeper.js.
 */
import { servePages } from '../../src/keeper/serve-pages.ts';

export interface KillPoint {
  operation: 'cprSave' | 'cprLoad' | 'migrate' | 'migrateIncoming';
  step: string;
  when: 'before' | 'after';
  /** True if the worker stands still there for ever, for its page to terminate it. */
  stands?: boolean;
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
    if (!isHere) return;
    if (point?.stands) {
      channel.postMessage({ standing: point });
      const word = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      Atomics.wait(new Int32Array(word.buffer), 0, 0);
    }
    throw new Error(`killed ${when} ${step}`);
  },
});
