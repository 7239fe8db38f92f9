import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { shareFiles } from './ninep-input.ts';

const files = new Map<string, string>();

beforeEach(() => {
  files.clear();
  vi.stubGlobal('document', { baseURI: 'https://site.test/page/' });
  vi.stubGlobal('fetch', async (url: URL) => {
    const text = files.get(String(url));
    return text === undefined ? new Response('', { status: 404 }) : new Response(text);
  });
});
afterEach(() => vi.unstubAllGlobals());

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const index = (fsroot: unknown) => JSON.stringify({ version: 3, size: 0, fsroot });
const file = (name: string, contents: string) => [name, 3, 0, 0o100644, 0, 0, contents];

test('no files, for a share that is empty or not there', async () => {
  for (const input of [undefined, true, false]) expect(await shareFiles(input)).toEqual([]);
});

test('the files of an index, in their folders, beside it or where it says', async () => {
  const link = ['link', 0, 0, 0o120777, 0, 0, 'a'];
  const tree = [file('a', '1.bin'), ['dir', 0, 0, 0o040755, 0, 0, [file('b', '2.bin')]], link];
  files.set('https://site.test/page/fs/index.json', index(tree));
  files.set('https://site.test/page/fs/1.bin', 'one').set('https://site.test/page/fs/2.bin', 'two');
  files.set('https://site.test/flat/1.bin', 'ONE').set('https://site.test/flat/2.bin', 'TWO');
  const read = async (base?: string) =>
    (await shareFiles({ index: 'fs/index.json', ...(base && { base }) })).map(
      ({ path, bytes }) => [path, text(bytes)] as const,
    );
  expect(await read()).toEqual([
    ['a', 'one'],
    ['dir/b', 'two'],
  ]);
  expect(await read('/flat')).toEqual([
    ['a', 'ONE'],
    ['dir/b', 'TWO'],
  ]);
});

test('the files of a folder that was picked, without its name', async () => {
  const picked = Object.assign(new File(['text'], 'b.txt'), {
    webkitRelativePath: 'folder/dir/b.txt',
  });
  const plain = Object.assign(new File(['more'], 'a.txt'), { webkitRelativePath: '' });
  const loaded = await shareFiles([picked, plain]);
  expect(loaded.map(({ path, bytes }) => [path, text(bytes)])).toEqual([
    ['dir/b.txt', 'text'],
    ['a.txt', 'more'],
  ]);
  const [given] = await shareFiles({ files: [{ path: 'x/y', file: new Blob(['z']) }] });
  expect([given?.path, text(given?.bytes ?? new Uint8Array())]).toEqual(['x/y', 'z']);
});

test.each([
  ['missing.json', undefined],
  ['fs.json', 'no JSON'],
  ['fs.json', '{"version":2,"fsroot":[]}'],
  ['fs.json', index([file('a', 'gone')])],
  ['fs.json', index([null])],
  ['fs.json', index([file('a', 'https://elsewhere.test/1.bin')])],
  ['fs.json', index([file('a', 'http://')])],
])('%s with %s is refused by name', async (name, contents) => {
  if (contents) files.set(`https://site.test/page/${name}`, contents);
  files.set('https://elsewhere.test/1.bin', 'of another server');
  await expect(shareFiles({ index: name })).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringMatching(/https:\/\/site\.test\/page\/(missing|fs|gone)/),
  });
});

test('a file that is longer than its index says is not read on', async () => {
  files.set('https://site.test/page/fs.json', index([file('a', 'a.bin')]));
  files.set('https://site.test/page/a.bin', 'x'.repeat(1_000_000));
  await expect(shareFiles({ index: 'fs.json' })).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringContaining('more than the 3 bytes'),
  });
});

test('an index that promises more than a share has room for is refused before a file is fetched', async () => {
  const asked: string[] = [];
  const many = Array.from({ length: 1000 }, (_, at) => [`${at}`, 2 ** 20, 0, 0o100644, 0, 0, 'a']);
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(String(url));
    return new Response(index(many));
  });
  await expect(shareFiles({ index: 'fs.json' })).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringContaining('1000 files'),
  });
  expect(asked).toEqual(['https://site.test/page/fs.json']);
});

test('folders within folders without an end are refused', async () => {
  let tree: unknown = [];
  for (let depth = 0; depth < 2000; depth++) tree = [['d', 0, 0, 0o040755, 0, 0, tree]];
  files.set('https://site.test/page/fs.json', index(tree));
  await expect(shareFiles({ index: 'fs.json' })).rejects.toMatchObject({
    code: 'image-unavailable',
  });
});

test('[2] a foreign index reads nothing of this origin as the visitor of the page', async () => {
  const asked: (RequestInit | undefined)[] = [];
  vi.stubGlobal('fetch', async (url: URL, init?: RequestInit) => {
    asked.push(init);
    return new Response(String(url).endsWith('.json') ? index([file('a', 'secret')]) : 'one');
  });
  await shareFiles({ index: 'https://site.test/fs.json', base: '/account/' }, true);
  expect(asked).toEqual([{ credentials: 'omit' }, { credentials: 'omit' }]);
});
