import { expect, test } from 'vitest';
import { ChunkedBase, chunkBytes, newChunkCache } from './chunked-base.ts';
import { aligned, Disk } from './disk.ts';
import { BytesBase, type DiskBase, EmptyBase } from './disk-base.ts';
import { blockBytes, Overlay, sectorBytes } from './overlay.ts';
import { mapPieces } from './pieces.ts';

/** Numbers from a seed (mulberry32), so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const newOverlay = (kept = new Map<string, unknown>()) => new Overlay(mapPieces(kept, 'disk'));

function someBytes(length: number, seed: number): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length }, () => next(256));
}

/** Vitest's own comparison takes a second for this much. */
function expectSame(bytes: Uint8Array | undefined, expected: Uint8Array, what: string): void {
  expect(Buffer.compare(bytes ?? new Uint8Array(0), expected), what).toBe(0);
}

/** A remote base, and the number of requests to it. */
function remote(contents: Uint8Array, cache = newChunkCache()) {
  const fetches: [start: number, length: number][] = [];
  const base = new ChunkedBase(contents.length, cache, async (start, length) => {
    fetches.push([start, length]);
    return contents.slice(start, start + length);
  });
  return { base, fetches, cache };
}

const size = 5 * chunkBytes + 3 * sectorBytes;

test.each<[string, (contents: Uint8Array) => DiskBase]>([
  ['in memory', (contents) => new BytesBase(contents)],
  ['elsewhere', (contents) => remote(contents).base],
])('a disk over a base %s holds what was written, and the base elsewhere', async (_, make) => {
  const contents = someBytes(size, 1);
  const before = contents.slice();
  const expected = contents.slice();
  const disk = new Disk(make(contents), newOverlay());
  const next = random(2);
  for (let round = 0; round < 600; round++) {
    const sectors = 1 + next(24);
    const start = next(size / sectorBytes - sectors + 1) * sectorBytes;
    const length = sectors * sectorBytes;
    if (next(2)) {
      const bytes = someBytes(length, round);
      expected.set(bytes, start);
      disk.write(start, bytes);
      expectSame(disk.readNow(start, length), bytes, 'a write is seen at once');
    } else {
      const bytes = await disk.read(start, length);
      expectSame(bytes, expected.slice(start, start + length), `round ${round}`);
    }
  }
  expectSame(await disk.read(0, size), expected, 'all of it');
  expectSame(contents, before, 'the base was written to');
});

test('a write never waits for the base, and never makes it be fetched', () => {
  const { base, fetches } = remote(someBytes(size, 1));
  const disk = new Disk(base, newOverlay());
  disk.write(sectorBytes, new Uint8Array(sectorBytes).fill(7));
  expect(disk.readNow(sectorBytes, sectorBytes)?.every((byte) => byte === 7)).toBe(true);
  expect(disk.readNow(0, sectorBytes)).toBeUndefined();
  expect(fetches).toEqual([]);
});

test('another runtime sees what this one wrote', () => {
  const kept = new Map<string, unknown>();
  const base = new EmptyBase(size);
  new Disk(base, newOverlay(kept)).write(0, new Uint8Array(blockBytes).fill(9));
  const other = new Disk(base, newOverlay(kept));
  expect(other.readNow(0, blockBytes)?.every((byte) => byte === 9)).toBe(true);
  expect(other.overlay.generation).toBe(1);
  expect(other.overlay.countBlocks()).toBe(1);
});

test('a disk that is cleared is its base again', () => {
  const contents = someBytes(size, 1);
  const disk = new Disk(new BytesBase(contents), newOverlay());
  disk.write(0, new Uint8Array(4 * blockBytes));
  disk.overlay.clear();
  expectSame(disk.readNow(0, size), contents, 'the base');
});

test('past its base a disk holds zeros, and takes writes up to its end', async () => {
  const { base } = remote(new Uint8Array(700).fill(5));
  const disk = new Disk(base, newOverlay(), 4 * sectorBytes);
  expect(await disk.read(sectorBytes, 1024)).toEqual(
    new Uint8Array(1024).fill(5, 0, 700 - sectorBytes),
  );
  disk.write(3 * sectorBytes, new Uint8Array(2 * sectorBytes).fill(8));
  expect(disk.readNow(3 * sectorBytes, 2 * sectorBytes)).toEqual(
    new Uint8Array(2 * sectorBytes).fill(8, 0, sectorBytes),
  );
});

test('a write during a read is newer than what the base answers', async () => {
  const disk = new Disk(remote(someBytes(size, 1)).base, newOverlay());
  const reading = disk.read(0, blockBytes);
  disk.write(0, new Uint8Array(sectorBytes).fill(3));
  expect((await reading).subarray(0, sectorBytes).every((byte) => byte === 3)).toBe(true);
});

test('chunks are fetched in runs, once, and no further than the end', async () => {
  const { base, fetches, cache } = remote(someBytes(size, 1));
  await base.read(2 * chunkBytes, 512);
  await base.read(0, size);
  expect(fetches).toEqual([
    [2 * chunkBytes, chunkBytes],
    [0, 2 * chunkBytes],
    [3 * chunkBytes, size - 3 * chunkBytes],
  ]);
  expect(base.readNow(0, size)?.length).toBe(size);
  expect(cache.misses).toBe(6);
});

test('the cache keeps the chunks that were used last, and no more than it may', async () => {
  const sizeBytes = 1100 * chunkBytes;
  const cache = newChunkCache();
  const base = new ChunkedBase(sizeBytes, cache, async (_, length) => new Uint8Array(length));
  await base.read(0, 1);
  for (let at = chunkBytes; at < sizeBytes; at += 16 * chunkBytes) {
    await base.read(at, Math.min(16 * chunkBytes, sizeBytes - at));
    base.readNow(0, 1);
  }
  expect(cache.chunks.size).toBe(1024);
  expect(cache.chunks.has(0)).toBe(true);
  expect(cache.chunks.has(1)).toBe(false);
});

test('a range that begins or ends within a sector is widened to whole ones', () => {
  expect(aligned(1000, 30)).toEqual({ start: 512, length: 1024 });
  expect(aligned(512, 1024)).toEqual({ start: 512, length: 1024 });
});
