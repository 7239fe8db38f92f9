import { afterEach, expect, test, vi } from 'vitest';
import { findBrowser } from './browser.mjs';

afterEach(() => vi.unstubAllEnvs());

test('HOLDFAST_CHROMIUM comes before any installed browser', () => {
  vi.stubEnv('HOLDFAST_CHROMIUM', process.execPath);
  expect(findBrowser()).toBe(process.execPath);
});

test('a HOLDFAST_CHROMIUM that cannot run is an error, not a reason to take another', () => {
  vi.stubEnv('HOLDFAST_CHROMIUM', '/nowhere/chromium');
  expect(() => findBrowser()).toThrow('HOLDFAST_CHROMIUM is /nowhere/chromium');
});
