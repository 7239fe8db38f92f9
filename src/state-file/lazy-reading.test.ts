import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RangeServer } from '../../tools/range-server.ts';
import { PortReceiver } from '../protocol/port-stream.ts';
import type { ImportItem } from '../protocol/state-transfer.ts';
import { loadCodec } from './format/codec.ts';
import { openReading } from './open-reading.ts';
import { open as openSupply } from './supply/state-file-supply.ts';
import { blob, cut, items, Memory, page, write } from './testing/guest.ts';
import type { WorkerMessage } from './worker-protocol.ts';

const contents = new Map<number, Uint8Array<ArrayBuffer>>();
let file: Uint8Array<ArrayBuffer>;
let small: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  const codec = await loadCodec();
  for (let i = 0; i < 1000; i++) contents.set(i, crypto.getRandomValues(page(i)));
  const said = [items(contents, [[2000, 7]]), blob('console.serial0', 0, 'hello')];
  file = (await write(said, codec, { hot: [700, 701] })).bytes;
  small = (await write([items(new Map([[1, page(1)]]))], codec)).bytes;
});

let server: RangeServer;
afterEach(() => server.stop());

async function read(knows: readonly string[], bytes = file) {
  server = await RangeServer.start({ bytes, etag: '"1"' });
  const posted: WorkerMessage[] = [];
  const reading = await openReading({ source: { url: server.url }, stallMs: 10_000 }, (message) =>
    posted.push(message),
  );
  const { port1, port2 } = new MessageChannel();
  const sent = reading.send({
    guest: port1,
    base: undefined,
    publishedAt: server.url,
    carried: new Map(),
  });
  const received: ImportItem[] = [];
  for await (const item of new PortReceiver<ImportItem>(port2, knows)) received.push(item);
  await sent;
  const [head] = posted;
  if (head?.type !== 'head') throw new Error('The head comes first.');
  return { received, canBeLazy: head.canBeLazy };
}

/** Memory after all of these items, those without pages left out. */
function memoryOf(received: readonly ImportItem[]): Memory {
  const memory = new Memory();
  for (const item of received) if (item.kind === 'pages') memory.put(item);
  return memory;
}

describe('[LZ2] of a state at a URL', () => {
  test('only what the guest needs at once is read, and the rest is named', async () => {
    const { received, canBeLazy } = await read(['blobs', 'absent']);
    expect(canBeLazy).toBe(true);
    const requests = await server.requests();
    const bytes = requests.map((range) => range.slice(6).split('-').map(Number));
    const total = bytes.reduce((sum, [from = 0, to = 0]) => sum + to + 1 - from, 0);
    expect(total).toBeLessThan(file.length / 2);
    expect(requests.length).toBeLessThan(6);
    const memory = memoryOf(received);
    for (const first of [0, 100, 255, 700, 701])
      expect(memory.page(first)).toEqual(contents.get(first));
    expect(new Uint32Array(memory.page(2000).buffer)[5]).toBe(7);
    expect(received.some(({ kind }) => kind === 'blobs')).toBe(true);
    const [absent, last] = received.slice(-2);
    expect(last).toEqual({
      ...cut,
      openedFrom: { url: server.url, digest: expect.stringMatching(/^xxh64:/) },
    });
    if (absent?.kind !== 'absent') throw new Error('The rest is named before the device state.');
    const supply = await openSupply(absent.reference);
    expect(await server.requests()).toEqual([]);
    for (const [number, page] of contents) {
      const pack = supply.packOf(number) ?? -1;
      if (number % 50 !== 0) continue;
      const found = (await supply.read(pack)).find((each) => each.page === number);
      expect(found?.bytes).toEqual(page);
    }
  });

  test('all is read for a keeper that knows no absent pages', async () => {
    const { received } = await read(['blobs']);
    const memory = memoryOf(received);
    for (const [number, page] of contents)
      expect(Buffer.compare(memory.page(number), page)).toBe(0);
    expect(received.at(-1)?.kind).toBe('cut');
    expect(received.some(({ kind }) => kind === 'absent')).toBe(false);
  });

  test('all is read if it is small, by one request', async () => {
    const { received, canBeLazy } = await read(['blobs', 'absent'], small);
    expect(canBeLazy).toBeUndefined();
    expect(memoryOf(received).page(1)).toEqual(page(1));
    expect(await server.requests()).toHaveLength(1);
  });
});
