import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { MachineEvent } from '../protocol/events.ts';
import type { PageLink } from './page-link.ts';
import { Pages } from './pages.ts';

/** Attaches a page. @returns how many frames of sound each of its events had */
function attach(pages: Pages, id: string): number[] {
  const heard: number[] = [];
  const link: PageLink = {
    watchesOnly: false,
    post: (event) => event.type === 'audio' && heard.push(event.left.length),
    open: () => {},
    close: () => {},
  };
  pages.add(link, '', id, []);
  return heard;
}

beforeAll(() => {
  // Without Web Locks.
  vi.stubGlobal('navigator', {});
});
afterAll(() => {
  vi.unstubAllGlobals();
});

const chunk = (frames: number): MachineEvent => ({
  type: 'audio',
  sampleRate: 48_000,
  left: new Float32Array(frames),
  right: new Float32Array(frames),
});

test('sound goes to the pages that listen, as long as they take it', () => {
  const pages = new Pages(() => {});
  const [first, second] = [attach(pages, 'a'), attach(pages, 'b')];
  pages.broadcast(chunk(10), []);
  expect(pages.anyListens).toBe(false);

  pages.listen('a', 25);
  expect(pages.anyListens).toBe(true);
  for (let i = 0; i < 3; i++) pages.broadcast(chunk(10), []);
  expect(first).toEqual([10, 10]);
  pages.listen('a', 5);
  pages.broadcast(chunk(10), []);
  expect(first).toEqual([10, 10, 10]);
  expect(second).toEqual([]);

  pages.listen('a', 0);
  expect(pages.anyListens).toBe(false);
  pages.broadcast(chunk(10), []);
  expect(first).toHaveLength(3);
});

test('no more than a second of sound is on its way to a page', () => {
  const pages = new Pages(() => {});
  const heard = attach(pages, 'a');
  for (let i = 0; i < 5; i++) pages.listen('a', 48_000);
  for (let i = 0; i < 60; i++) pages.broadcast(chunk(960), []);
  expect(heard).toHaveLength(50);
});
