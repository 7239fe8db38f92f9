/** The fixtures' page for a guest: a machine and its screen, and nothing else. */
import { keeperUrl, runtimes } from 'virtual:holdfast-build';
import { openSiteWorkers } from '../../client/site-worker.ts';
import { connect } from '../../index.ts';
import type { HoldfastWindow } from './call-machine.ts';

declare const window: HoldfastWindow & Window;

const framesPerSecond = 10;

/** Only the part of the build's description that the keeper knows. */
const sources = runtimes.map(({ id, v86Version, url, wasmUrl, sha256, wasmSha256 }) => ({
  id,
  v86Version,
  url,
  wasmUrl,
  sha256,
  wasmSha256,
}));
openSiteWorkers();
const machine = await connect({ keeperUrl, runtimes: sources });
if (!machine.status) await resumeStored();
window.holdfast = { machine };
for (;;) {
  // Without a machine, during a replacement, there is no screen.
  await show(document.querySelector('canvas') as HTMLCanvasElement).catch(nextStatus);
}

/** After a crash of the browser: shows the guest that it ran. */
async function resumeStored(): Promise<void> {
  const [stored] = await machine.storage.list();
  const [newest] = sources;
  if (!stored || !newest) return;
  await machine.resumeStored(stored.id, { runtime: newest });
}

async function show(canvas: HTMLCanvasElement): Promise<void> {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  if (!machine.status) await nextStatus();
  const pictures = machine.frames({ fps: framesPerSecond }).getReader();
  for (;;) {
    const { value: picture } = await pictures.read();
    if (!picture) return;
    const { width, height } = picture;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const pixels = picture.pixels as Uint8ClampedArray<ArrayBuffer>;
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
  }
}

function nextStatus(): Promise<void> {
  return new Promise((resolve) => {
    const stop = machine.on('status', () => {
      stop();
      resolve();
    });
  });
}
