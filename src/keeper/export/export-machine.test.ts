import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { VersionedPieces } from '../../protocol/abi.ts';
import { diskPieces } from '../../protocol/disk-piece.ts';
import type { ExportRequest } from '../../protocol/stored.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';
import type { MemoryStore } from '../testing/memory-store.ts';
import { tar } from './tar.ts';

const id = 'm';
const sizeBytes = 5 * 4096 + 512;

let runtime: FakeRuntime;
let fakeStore: FakeStore;
let keeper: Keeper;

beforeEach(async () => {
  vi.stubGlobal('navigator', {});
  runtime = new FakeRuntime('fake');
  fakeStore = new FakeStore();
  keeper = new Keeper(
    { instanceId: 'test', survivesPages: false, startedAtMs: 0 },
    {
      loader: new RuntimeLoader(async () => runtime.module),
      openStore: async () => fakeStore.store,
    },
  );
  const hda = { bytes: new Uint8Array(sizeBytes).fill(9) };
  const config = { ...fakeConfig, id, name: 'My <machine>', hda };
  await keeper.start({ config, runtime: runtime.source });
  runtime.memory('pc.ram').set([1, 2, 3], 4096);
  runtime.memory('pc.ram').fill(0x55, 8192, 12288);
  runtime.host?.consoleOutput('serial0', new TextEncoder().encode('said before'));
  const disk = pieces('hda');
  disk.set(1, new Uint8Array(4096).fill(1));
  // Only the last sector of this one.
  const partly = new Uint8Array(4097).fill(2);
  partly[4096] = 0x80;
  disk.set(3, partly);
  disk.set(5, new Uint8Array(4096).fill(3));
  runtime.host?.pieces?.('9p.files').set(7, new TextEncoder().encode('a file'));
  await keeper.checkpoint();
});

afterEach(async () => {
  await keeper.destroy().catch(() => {});
  vi.unstubAllGlobals();
});

function pieces(device: 'hda'): VersionedPieces {
  const found = runtime.host?.pieces?.(diskPieces(device));
  if (!found) throw new Error('There is no guest.');
  return found;
}

const stored = (): MemoryStore => fakeStore.stored.get(id)?.store as MemoryStore;
const exported = (request: ExportRequest) => keeper.storage.export(id, request);
const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer());
const expectedDisk = () => {
  const bytes = new Uint8Array(sizeBytes).fill(9);
  bytes.fill(1, 4096, 8192);
  bytes.fill(2, 4 * 4096 - 512, 4 * 4096);
  bytes.fill(3, 5 * 4096);
  return bytes;
};

/** The files of an archive, as tar lists them. */
async function filesOf(blob: Blob): Promise<Map<string, Uint8Array>> {
  const bytes = await bytesOf(blob);
  const text = (from: number, length: number) =>
    new TextDecoder().decode(bytes.subarray(from, from + length)).replace(/\0.*$/s, '');
  const files = new Map<string, Uint8Array>();
  for (let at = 0; bytes[at]; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    files.set(text(at, 100), bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

const machineJson = (files: Map<string, Uint8Array>) =>
  JSON.parse(new TextDecoder().decode(files.get('machine.json')));

test('a disk is its base with what the guest wrote to it', async () => {
  const { name, blob, missing } = await exported({ kind: 'disk', device: 'hda' });
  expect(name).toBe('My _machine_-hda.img');
  expect(missing).toEqual([]);
  expect(await bytesOf(blob)).toEqual(expectedDisk());
});

test('a disk has the contents of the checkpoint, without later writes', async () => {
  pieces('hda').set(0, new Uint8Array(4096).fill(8));
  const { blob } = await exported({ kind: 'disk', device: 'hda' });
  expect(await bytesOf(blob)).toEqual(expectedDisk());
});

test('a drive that the machine does not have is not found', async () => {
  await expect(exported({ kind: 'disk', device: 'hdb' })).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('everything is in the archive, each in a file of its own', async () => {
  const { name, blob, missing } = await exported({ kind: 'everything' });
  expect(name).toBe('My _machine_.tar');
  expect(missing).toEqual([]);
  const files = await filesOf(blob);
  expect([...files.keys()]).toEqual([
    'machine.json',
    'memory/pc.ram.bin',
    'memory/vga.vram.bin',
    'memory/vga.planes.bin',
    'devices.vmstate',
    'disks/hda.img',
    'console/serial0.txt',
    'pieces/9p.files/7',
  ]);
  expect(files.get('memory/pc.ram.bin')).toEqual(runtime.memory('pc.ram').slice());
  expect(files.get('disks/hda.img')).toEqual(expectedDisk());
  expect(new TextDecoder().decode(files.get('console/serial0.txt'))).toBe('said before');
  expect(machineJson(files)).toMatchObject({
    machine: 'My <machine>',
    missing: [],
    config: { memoryMiB: 16, hda: { sizeBytes } },
  });
});

test('a large file of the share is whole, although it is stored in parts', async () => {
  const file = Uint8Array.from({ length: 300_000 }, (_, at) => at * 7);
  const share = runtime.host?.pieces?.('9p.files') as VersionedPieces;
  share.set(8, file);
  await keeper.checkpoint();
  file[1] = 99;
  share.set(8, file);
  await keeper.checkpoint();
  const files = await filesOf((await exported({ kind: 'everything' })).blob);
  expect([...files.keys()].filter((name) => name.startsWith('pieces/')).sort()).toEqual([
    'pieces/9p.files/7',
    'pieces/9p.files/8',
  ]);
  expect(Buffer.compare(files.get('pieces/9p.files/8') as Uint8Array, file)).toBe(0);
});

describe('a damaged machine', () => {
  const lose = (record: number) => stored().records.delete(record);

  test('a disk falls back to the checkpoint before', async () => {
    const [before] = stored().published;
    pieces('hda').set(0, new Uint8Array(4096).fill(8));
    await keeper.checkpoint();
    const newer = stored().published[0]?.records.filter((id) => !before?.records.includes(id));
    for (const record of newer ?? []) lose(record);
    const { blob } = await exported({ kind: 'disk', device: 'hda' });
    expect(await bytesOf(blob)).toEqual(expectedDisk());
  });

  test('a disk of which nothing is whole is refused, and left is what can be read', async () => {
    const [first = 0] = stored().published[0]?.records ?? [];
    // A page that is in no other record, in an intact record of its own.
    runtime.memory('pc.ram').set([4, 5, 6], 16_384);
    await keeper.checkpoint();
    lose(first);
    await expect(exported({ kind: 'disk', device: 'hda' })).rejects.toMatchObject({
      code: 'storage-damaged',
    });
    const { blob, missing } = await exported({ kind: 'everything' });
    expect(missing.join()).toMatch(/1 of \d+ records cannot be read/);
    const files = await filesOf(blob);
    expect(files.get('memory/pc.ram.bin')?.subarray(16_384, 16_387)).toEqual(
      Uint8Array.of(4, 5, 6),
    );
    expect(machineJson(files).missing).toEqual(missing);
  });

  test('without a manifest its pages are in one file', async () => {
    for (const { manifest } of stored().published) manifest.fill(0);
    const { blob, missing } = await exported({ kind: 'everything' });
    expect(missing.join()).toContain('The state of the devices is lost');
    const files = await filesOf(blob);
    expect(files.get('memory/all.bin')?.subarray(0, 12_288)).toEqual(
      runtime.memory('pc.ram').slice(0, 12_288),
    );
    expect(files.has('devices.vmstate')).toBe(false);
    expect(files.get('disks/hda.img')).toEqual(expectedDisk());
  });
});

test('[13] names that came with a state file never become paths of the archive', async () => {
  runtime.host?.consoleOutput('../../x', new TextEncoder().encode('y'));
  runtime.host?.pieces?.('../../z').set(7, Uint8Array.of(1));
  await keeper.checkpoint();
  const { blob } = await exported({ kind: 'everything' });
  for (const name of (await filesOf(blob)).keys()) {
    expect(name).toMatch(/^[\w.-]+(\/[\w.-]+)*$/);
    expect(name.split('/')).not.toContain('..');
  }
});

test.each(['../x', 'a/../x', '/x', 'a//b', './a', 'a/.', 'a\\b', 'a\0', 'é', 'a'.repeat(101), ''])(
  '[13] no archive has a file named %j',
  (name) => {
    const entries = [{ name, contents: new Blob(['x']) }];
    expect(() => tar(entries, 0)).toThrow(expect.objectContaining({ code: 'internal' }));
  },
);
