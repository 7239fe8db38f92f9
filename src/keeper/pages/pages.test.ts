import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { screenCost } from '../../protocol/event-bytes.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import type { PageLink } from './page-link.ts';
import type { PageSource } from './page-pace.ts';
import { Pages } from './pages.ts';

/** Attaches a page. @returns the number of sound frames in each of its events */
function attach(pages: Pages, id: string): number[] {
  const samples: number[] = [];
  const link: PageLink = {
    watchesOnly: false,
    post: (event) => event.type === 'audio' && samples.push(event.left.length),
    open: () => {},
    close: () => {},
  };
  pages.add(link, '', id, []);
  return samples;
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
  const samples = attach(pages, 'a');
  for (let i = 0; i < 5; i++) pages.listen('a', 48_000);
  for (let i = 0; i < 60; i++) pages.broadcast(chunk(960), []);
  expect(samples).toHaveLength(50);
});

describe('[11] pictures for many pages', () => {
  const mebi = 1024 * 1024;
  const pictureBytes = 16 * mebi;
  const pageCount = 10;

  /** Pages that take their messages on request. */
  function lab() {
    const picture = (): MachineEvent => ({
      type: 'screen-frame',
      x: 0,
      y: 0,
      width: 2560,
      height: 1600,
      pixels: new Uint8ClampedArray(pictureBytes),
    });
    const source: PageSource = { consoleFrom: () => [], screen: () => [picture()] };
    const pages = new Pages(
      () => {},
      () => {},
      () => {},
      () => source,
    );
    /** By page, the events that it has not taken. */
    const onWay = Array.from({ length: pageCount }, () => 0);
    const shown = Array.from({ length: pageCount }, () => 0);
    let copies = 0;
    for (const page of onWay.keys()) {
      const post: PageLink['post'] = (event, transfer) => {
        if (event.type !== 'screen-frame') return;
        if (transfer.length === 0) copies++;
        onWay[page] = (onWay[page] ?? 0) + screenCost(event);
        shown[page] = (shown[page] ?? 0) + 1;
      };
      pages.add({ watchesOnly: false, post, open: () => {}, close: () => {} }, '', `${page}`, []);
      pages.took(`${page}`, {});
    }
    const take = (page: number) => {
      const screen = onWay[page] ?? 0;
      onWay[page] = 0;
      if (screen > 0) pages.took(`${page}`, { screen });
    };
    return {
      pages,
      shown,
      take,
      send: () => pages.broadcast(picture(), []),
      onWayBytes: () => onWay.reduce((sum, bytes) => sum + bytes, 0),
      copies: () => copies,
    };
  }

  test('are on their way to a few at a time, and each page has its turn', () => {
    const { send, take, onWayBytes, shown } = lab();
    let most = 0;
    for (let round = 0; round < 100; round++) {
      send();
      most = Math.max(most, onWayBytes());
      take(round % pageCount);
      most = Math.max(most, onWayBytes());
    }
    expect(most).toBeLessThanOrEqual(32 * mebi + pictureBytes);
    for (const pictures of shown) expect(pictures).toBeGreaterThanOrEqual(5);
  });

  test('are moved to a page that catches up, not copied', () => {
    const { send, take, shown, copies } = lab();
    send();
    const before = copies();
    for (let page = 0; page < pageCount; page++) take(page);
    expect(shown).toEqual(shown.map(() => 1));
    expect(copies()).toBe(before);
  });

  test('wait a second for pages that take nothing, and no longer', () => {
    vi.useFakeTimers();
    try {
      const { send, take, shown, pages } = lab();
      send();
      const deaf = shown.flatMap((pictures, page) => (pictures > 0 ? [page] : []));
      expect(deaf.length).toBeLessThan(pageCount);
      expect(pages.anyWatches).toBe(false);
      vi.advanceTimersByTime(1_100);
      const reading = shown.flatMap((pictures, page) =>
        pictures > 0 && !deaf.includes(page) ? [page] : [],
      );
      expect(reading).not.toHaveLength(0);
      for (let round = 0; round < 50; round++) {
        send();
        for (let page = 0; page < pageCount; page++) if (!deaf.includes(page)) take(page);
      }
      for (const [page, pictures] of shown.entries()) {
        if (deaf.includes(page)) expect(pictures).toBe(1);
        else expect(pictures).toBeGreaterThan(5);
      }
    } finally {
      vi.useRealTimers();
    }
  });
});
