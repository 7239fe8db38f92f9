/** Published states: security findings 8 and 14. */
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ownCoordination } from './coordination.ts';
import { FolderStore } from './folder-store.ts';
import { readOptions } from './options.ts';
import { digestOf, maxShares, StateStore } from './state-store.ts';

const dayMs = 86_400_000;
const id = digestOf('a state');
const limits = readOptions([], {});
let folder: string;
let store: FolderStore;
let now = 1;
let coordination = ownCoordination(limits);
const openStateStore = () => new StateStore(store, 30 * dayMs, coordination, () => now);
let stateStore: StateStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-states-'));
  store = new FolderStore(folder);
  coordination = ownCoordination(limits);
  now = 1;
  stateStore = openStateStore();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function add(token: string, content = 'content', state = id): Promise<void> {
  const path = join(folder, 'upload');
  await writeFile(path, content);
  const share = { tokenDigest: digestOf(token), expiresAt: stateStore.newExpiry() };
  await stateStore.add(state, share, content.length, (key) => store.putFile(key, path));
}

const files = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'upload')
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

test('to look at a state costs the same, however often it was shared', async () => {
  const calls = () => {
    const spies = (['list', 'getText', 'size', 'read'] as const).map((name) =>
      vi.spyOn(store, name),
    );
    return () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  };
  await add('first');
  const count = calls();
  await stateStore.find(id);
  const once = count();
  for (let share = 0; share < 3 * maxShares; share++) await add(`token ${share}`);
  vi.restoreAllMocks();
  const later = calls();
  await stateStore.find(id);
  expect(later()).toBe(once);
  expect(later()).toBe(2);
  vi.restoreAllMocks();
  // The data to read does not grow either.
  const record = await readFile(join(folder, `records/${id}`), 'utf8');
  expect(Object.keys(JSON.parse(record).shares)).toHaveLength(maxShares);
});

test('beyond the most shares the one that ends first gives way, and the state ends last', async () => {
  for (let share = 0; share < maxShares; share++) {
    now = share + 1;
    await add(`token ${share}`);
  }
  now = 10_000;
  await add('latest');
  expect(await stateStore.removeShare(id, 'token 0')).toBe(false);
  expect(await stateStore.removeShare(id, 'token 1')).toBe(true);
  expect(await stateStore.find(id)).toEqual({ sizeBytes: 7, expiresAt: now + 30 * dayMs });
  expect(await stateStore.removeShare(id, 'latest')).toBe(true);
  expect((await stateStore.find(id))?.expiresAt).toBe(maxShares + 30 * dayMs);
});

test('a sweep removes what has expired and leaves nothing of it', async () => {
  await add('a');
  now += 31 * dayMs;
  expect(await stateStore.find(id)).toBeUndefined();
  await stateStore.sweep();
  expect(await files()).toEqual([]);
  expect(await coordination.ledger.usedBytes()).toBe(0);
});

test('a sweep removes a record without a state, a state without a record, and half a file', async () => {
  const [lost, alone] = [digestOf('lost'), digestOf('alone')];
  await add('kept');
  await store.putText(`records/${lost}`, JSON.stringify({ shares: { [digestOf('t')]: 0 } }));
  await store.putText(`states/${alone}`, 'content');
  const temporary = `.${'ab'.repeat(16)}`;
  await writeFile(join(folder, temporary), 'half');
  await writeFile(join(folder, 'records', temporary), 'half');
  await store.removeTemporaries(3600_000);
  expect(await files()).toContain(temporary);
  const old = new Date(Date.now() - 2 * 3600_000);
  for (const path of [temporary, join('records', temporary)]) {
    await utimes(join(folder, path), old, old);
  }
  await store.removeTemporaries(3600_000);
  await stateStore.sweep();
  expect(await files()).toEqual([`records/${id}`, `states/${id}`]);
  expect(await coordination.ledger.usedBytes()).toBe(7);
});

test('a state that is added while a sweep runs is counted', async () => {
  await add('first');
  const other = digestOf('other');
  const list = store.list.bind(store);
  vi.spyOn(store, 'list').mockImplementation(async function* (prefix) {
    const found = [];
    for await (const entry of list(prefix)) found.push(entry);
    // After the sweep has checked, and before it is done.
    if (prefix === 'states/') await add('second', 'other content', other);
    yield* found;
  });
  await stateStore.sweep();
  expect(await coordination.ledger.usedBytes()).toBe('content'.length + 'other content'.length);
  await stateStore.removeShare(other, 'second');
  expect(await coordination.ledger.usedBytes()).toBe('content'.length);
});

test('a state whose file was taken away is not counted after a sweep', async () => {
  await add('first');
  await rm(join(folder, `states/${id}`));
  await stateStore.sweep();
  expect(await coordination.ledger.usedBytes()).toBe(0);
  expect(await files()).toEqual([]);
});

test('shares that an earlier version stored stay, with their ends and tokens', async () => {
  await mkdir(join(folder, `shares/${id}`), { recursive: true });
  await store.putText(`states/${id}`, 'content');
  const ends = { one: 5 * dayMs, two: 9 * dayMs };
  for (const [token, expiresAt] of Object.entries(ends)) {
    await store.putText(`shares/${id}/${digestOf(token)}`, JSON.stringify({ expiresAt }));
  }
  await store.putText(`shares/${digestOf('no state')}/${digestOf('x')}`, '{}');
  await stateStore.sweep();
  expect(await files()).toEqual([`records/${id}`, `states/${id}`]);
  expect(await stateStore.find(id)).toEqual({ sizeBytes: 7, expiresAt: ends.two });
  expect(await stateStore.removeShare(id, 'two')).toBe(true);
  expect(await stateStore.find(id)).toEqual({ sizeBytes: 7, expiresAt: ends.one });
});

test('a record that a bad disk lost does not lose its state at once', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  await add('first');
  await writeFile(join(folder, `records/${id}`), '{"shar');
  await stateStore.sweep();
  expect(await stateStore.find(id)).toMatchObject({ sizeBytes: 7 });
  expect(error).toHaveBeenCalled();
  error.mockRestore();
});
