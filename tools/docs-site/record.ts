/**
 * `npm run record`: records docs/survives.gif. A shell of the demo Linux counts. Its page reloads, a
 * live update follows, and the browser is killed and started again. The built site, Chromium and the guest are real. The
 * recording fails if the count starts again.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from '@playwright/test';
import { BrowserProfile, Site } from '../../src/packages/playwright/index.ts';
import { chromiumLaunchOptions } from '../browser.mjs';
import { ensureBuild, root } from '../setup.mjs';
import { type Frame, paint } from './caption.ts';

declare const window: Window & { holdfast?: { terminalText(): string } };

/** As much of gifenc as is used; its package has no types. */
interface GifEncoder {
  GIFEncoder(): {
    writeFrame(index: Uint8Array, width: number, height: number, options: object): void;
    finish(): void;
    bytes(): Uint8Array;
  };
  quantize(rgba: Uint8Array, colours: number): number[][];
  applyPalette(rgba: Uint8Array, palette: number[][]): Uint8Array;
}

const size = { width: 880, height: 620 };
const colours = 63;
const largestBytes = 1_500_000;
const counting = 'i=0; while sleep 0.2; do i=$((i+1)); echo "still counting: $i"; done';
const file = join(root, 'docs/survives.gif');

/** Screenshots, each with the time since the one before. */
class Recording {
  readonly frames: Frame[] = [];
  #caption = '';

  say(caption: string): void {
    this.#caption = caption;
  }

  /** Records the page until `isOver`. */
  async watch(page: Page, isOver: () => Promise<boolean>): Promise<void> {
    do {
      const since = performance.now();
      const picture = await page.screenshot({ animations: 'disabled', caret: 'hide' });
      await page.waitForTimeout(Math.max(0, 120 - (performance.now() - since)));
      this.frames.push({ picture, caption: this.#caption, ms: performance.now() - since });
    } while (!(await isOver()));
  }

  hold(ms: number): void {
    this.frames.push({ picture: undefined, caption: this.#caption, ms });
  }
}

const countIn = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const counts = window.holdfast?.terminalText().match(/(?<=still counting: )\d+$/gm);
    return Number(counts?.at(-1) ?? 0);
  });

/** Counts on by so many, as the page shows it. */
async function watchCount(recording: Recording, page: Page, by: number): Promise<number> {
  await page.waitForFunction(() => window.holdfast?.terminalText().match(/still counting: \d/));
  const target = (await countIn(page)) + by;
  const limit = performance.now() + 60_000;
  await recording.watch(page, async () => {
    if (performance.now() > limit) throw new Error(`The guest does not count to ${target}.`);
    return (await countIn(page)) >= target;
  });
  return countIn(page);
}

async function record(): Promise<Recording> {
  const site = await Site.serve({ root: join(root, 'dist') });
  const profile = await BrowserProfile.make(chromium, chromiumLaunchOptions());
  const recording = new Recording();
  const open = async () => {
    const context = await profile.start();
    const page = context.pages()[0] ?? (await context.newPage());
    await page.setViewportSize(size);
    page.setDefaultTimeout(120_000);
    await page.goto(site.url);
    return page;
  };
  try {
    let page = await open();
    await page.waitForFunction(() => window.holdfast?.terminalText().includes('holdfast:~#'));
    await page.locator('.xterm-helper-textarea').focus();
    recording.say('A Linux guest counts in a browser tab');
    await page.keyboard.type(counting, { delay: 15 });
    await page.keyboard.press('Enter');
    let count = await watchCount(recording, page, 7);

    recording.say('Reload the page: nothing is lost');
    recording.hold(250);
    await page.reload();
    count = atLeast(count, await watchCount(recording, page, 8));

    recording.say('Live update: the running guest moves to another v86');
    await page.getByRole('button', { name: 'Live update' }).first().click();
    count = atLeast(count, await watchCount(recording, page, 9));

    recording.say('kill -9: the browser is gone');
    recording.hold(1300);
    await profile.kill();

    recording.say('Start it again: the guest resumes from its last checkpoint');
    page = await open();
    // At most two seconds of it are lost as a rule; a busy computer may lose more.
    atLeast(count - 40, await watchCount(recording, page, 10));
    recording.hold(1200);
    return recording;
  } finally {
    await profile.delete();
    await site.close();
  }
}

function atLeast(least: number, count: number): number {
  if (count < least) throw new Error(`The guest has counted to ${count}, and before to ${least}.`);
  return count;
}

async function encode(frames: Frame[]): Promise<Uint8Array> {
  const path = join(import.meta.dirname, 'node_modules/gifenc/dist/gifenc.esm.js');
  const { GIFEncoder, quantize, applyPalette } = (await import(
    pathToFileURL(path).href
  )) as GifEncoder;
  const { width, height, pixels } = await paint(frames, size);
  // One palette for all: the same colour is the same number in each.
  const samples = pixels.filter((_, i) => i % Math.ceil(pixels.length / 8) === 0);
  const palette = quantize(new Uint8Array(Buffer.concat(samples)), colours);
  const transparentIndex = palette.length;
  const gif = GIFEncoder();
  let shown: Uint8Array | undefined;
  let waiting: { index: Uint8Array; delay: number } | undefined;
  const write = () => {
    if (!waiting) return;
    const options = { transparent: true, transparentIndex, dispose: 1, delay: waiting.delay };
    const isFirst = shown === undefined || waiting.index === shown;
    gif.writeFrame(waiting.index, width, height, {
      ...options,
      ...(isFirst && { palette: [...palette, [0, 0, 0]] }),
    });
  };
  for (const [i, rgba] of pixels.entries()) {
    const index = applyPalette(rgba, palette);
    const before = shown;
    const change =
      before && index.map((colour, at) => (colour === before[at] ? transparentIndex : colour));
    const ms = frames[i]?.ms ?? 0;
    if (waiting && change?.every((colour) => colour === transparentIndex)) {
      waiting.delay += ms;
      continue;
    }
    write();
    waiting = { index: change ?? index, delay: ms };
    shown = index;
  }
  write();
  gif.finish();
  return gif.bytes();
}

ensureBuild();
const { frames } = await record();
const gif = await encode(frames);
const seconds = frames.reduce((sum, { ms }) => sum + ms, 0) / 1000;
console.log(`${file}: ${frames.length} frames, ${seconds.toFixed(1)} s, ${gif.length} bytes`);
if (gif.length > largestBytes) throw new Error(`More than ${largestBytes} bytes: not written.`);
writeFileSync(file, gif);
