import { expect, test } from 'vitest';
import { fitPicture } from './screen-scale.ts';

const text = { width: 720, height: 400 };

test('a text screen with a little room around it stays pixel for pixel', () => {
  expect(fitPicture(text, { width: 746, height: 600 }, 1, true)).toEqual({
    ...text,
    pixelated: true,
  });
});

test('on a display of two device pixels each guest pixel is two of them', () => {
  expect(fitPicture(text, { width: 746, height: 600 }, 2, true)).toEqual({
    ...text,
    pixelated: true,
  });
});

test('a picture that does not fit shrinks, smoothed, in proportion', () => {
  expect(fitPicture({ width: 1024, height: 768 }, { width: 512, height: 600 }, 1, true)).toEqual({
    width: 512,
    height: 384,
    pixelated: false,
  });
});

test('full screen fills the screen', () => {
  const scale = fitPicture(text, { width: 1920, height: 1080 }, 1, false);
  expect(scale.width).toBe(1920);
  expect(scale.pixelated).toBe(true);
});

test('an exact multiple is not taken where it would waste the space', () => {
  expect(fitPicture(text, { width: 1400, height: 1000 }, 1, true).width).toBe(1400);
});

test('the pixels of 640x200 are twice as high as wide', () => {
  const scale = fitPicture({ width: 640, height: 200 }, { width: 700, height: 700 }, 1, true);
  expect(scale).toEqual({ width: 640, height: 400, pixelated: true });
});
