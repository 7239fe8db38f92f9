import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { TextFont } from '../protocol/events.ts';
import { type Picture, pictureOf } from './picture.ts';
import { encodePng } from './png.ts';
import { encodePpm } from './ppm.ts';

const picture: Picture = {
  width: 2,
  height: 2,
  pixels: Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255),
};
const rgb = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

test('a PPM is a header and the samples', () => {
  const file = encodePpm(picture);
  expect(new TextDecoder().decode(file.subarray(0, 11))).toBe('P6\n2 2\n255\n');
  expect([...file.subarray(11)]).toEqual(rgb);
});

test('a PNG has the size, the samples and sums that are right', async () => {
  const file = await encodePng(picture);
  const view = new DataView(file.buffer);
  expect([...file.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  expect([view.getUint32(16), view.getUint32(20)]).toEqual([2, 2]);
  // The sum of IEND, which is the same in every PNG.
  expect(view.getUint32(file.length - 4)).toBe(0xae426082);
  const dataBytes = view.getUint32(33);
  const rows = [...inflateSync(file.subarray(41, 41 + dataBytes))];
  expect(rows).toEqual([0, ...rgb.slice(0, 6), 0, ...rgb.slice(6)]);
});

test('a text screen becomes as many pixels as its font makes of it', () => {
  const glyphs = new Uint8Array(8 * 256 * 32);
  // The left half of every line of "A".
  glyphs.fill(0xf0, 65 * 32, 66 * 32);
  const font: TextFont = {
    width: 8,
    height: 16,
    copyNinthColumn: false,
    doubleWidth: false,
    glyphs,
    pageA: 0,
    pageB: 0,
  };
  const cells = Int32Array.of(65, 0x0000aa, 0xffffff, 32, 0x0000aa, 0xffffff);
  const { width, height, pixels } = pictureOf({
    mode: 'text',
    screen: { cols: 2, rows: 1, cells },
    font,
    cursor: { row: 0, col: 1, start: 14, end: 15, visible: true },
  });
  expect([width, height]).toEqual([16, 16]);
  const at = (x: number, y: number) => [...pixels.subarray((y * 16 + x) * 4, (y * 16 + x) * 4 + 4)];
  expect(at(0, 0)).toEqual([255, 255, 255, 255]);
  expect(at(4, 0)).toEqual([0, 0, 0xaa, 255]);
  expect(at(9, 13)).toEqual([0, 0, 0xaa, 255]);
  expect(at(9, 14)).toEqual([255, 255, 255, 255]);
});
