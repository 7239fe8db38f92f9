/** Draws a caption below each picture of a recording, and gives the pixels of both. */
import { chromium } from '@playwright/test';
import { chromiumLaunchOptions } from '../browser.mjs';

export interface Frame {
  /** PNG; absent: an empty screen. */
  picture: Uint8Array | undefined;
  caption: string;
  /** How long it is shown. */
  ms: number;
}

const barHeight = 44;

export async function paint(frames: Frame[], picture: { width: number; height: number }) {
  const width = picture.width;
  const height = picture.height + barHeight;
  const browser = await chromium.launch(chromiumLaunchOptions());
  try {
    const page = await browser.newPage();
    const pixels: Uint8Array[] = [];
    for (const { picture: png, caption } of frames) {
      const base64 = await page.evaluate(draw, {
        png: png && Buffer.from(png).toString('base64'),
        caption,
        ...{ width, height, barHeight },
      });
      pixels.push(Buffer.from(base64, 'base64'));
    }
    return { width, height, pixels };
  } finally {
    await browser.close();
  }
}

interface Drawing {
  png: string | undefined;
  caption: string;
  width: number;
  height: number;
  barHeight: number;
}

/** In the page. @returns RGBA in base64 */
async function draw({ png, caption, width, height, barHeight }: Drawing): Promise<string> {
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new Error('There is no canvas.');
  context.fillStyle = '#000';
  context.fillRect(0, 0, width, height);
  if (png !== undefined) {
    const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
    context.drawImage(await createImageBitmap(new Blob([bytes], { type: 'image/png' })), 0, 0);
  }
  context.fillStyle = '#1f4fd8';
  context.fillRect(0, height - barHeight, width, barHeight);
  context.fillStyle = '#fff';
  context.font = '600 20px sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(caption, width / 2, height - barHeight / 2);
  const { data } = context.getImageData(0, 0, width, height);
  let text = '';
  for (let at = 0; at < data.length; at += 8192)
    text += String.fromCharCode(...data.subarray(at, at + 8192));
  return btoa(text);
}
