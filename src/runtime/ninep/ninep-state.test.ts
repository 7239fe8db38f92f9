/** With the file system of each v86 that ships; it needs no CPU. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { v86Packages } from '../../../tools/v86-versions.ts';
import type { RuntimeHost, VersionedPieces } from '../../protocol/abi.ts';
import type { ShareFilesSection } from '../../vmstate/sections.ts';
import { labHost } from '../testing/lab-host.ts';
import { NinepFiles } from './ninep-files.ts';
import { keepFilesOut, NinepState } from './ninep-state.ts';

const root = join(import.meta.dirname, '../../..');
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (contents: Uint8Array) => new TextDecoder().decode(contents);

type Cpu = ConstructorParameters<typeof NinepFiles>[0];
type Device = NonNullable<Cpu['devices']['virtio_9p']>;
/** Members that tests use beyond those of the runtime. */
type Filesystem = Device['fs'] & {
  set_state(state: unknown): void;
  Write(inode: number, offset: number, count: number, data: Uint8Array): Promise<void>;
  Unlink(directory: number, name: string): number;
  CloseInode(inode: number): Promise<void>;
  DescribeLock(type: number, start: number, length: number, process: number, client: string): Lock;
  /** @returns 0, or 1 if another process has the lock */
  Lock(inode: number, lock: Lock, flags: number): number;
};
type Lock = { readonly type: number };
const lockType = { write: 1, none: 2 };

describe.each(v86Packages)('the 9p share of npm package %s', (packageName) => {
  let newFilesystem: () => Filesystem;
  let host: RuntimeHost;
  let pieces: VersionedPieces;

  beforeAll(async () => {
    const url = pathToFileURL(join(root, 'node_modules', packageName, 'build/libv86.mjs'));
    const { V86 } = await import(url.href);
    newFilesystem = () => {
      const options = { filesystem: {}, disable_speaker: true, disable_keyboard: true };
      const emulator = new V86({
        ...options,
        disable_mouse: true,
        wasm_fn: () => new Promise(() => undefined),
      });
      emulator.v86 = { init: () => undefined };
      emulator.continue_init(emulator.v86, { ...options, disable_mouse: true });
      return emulator.fs9p;
    };
  });

  beforeEach(() => {
    host = labHost({});
    pieces = (host.pieces as NonNullable<RuntimeHost['pieces']>)('9p.files');
  });

  /** A runtime's share once the runtime has the guest. */
  function share() {
    const fs = newFilesystem();
    const device = {
      fs,
      fids: [],
      replybuffer: new Uint8Array(64),
      get_state: () => [0, 0, 0, 0, 0, 0, device.replybuffer, 0, device.fids, fs],
    } as unknown as Device;
    const cpu = { devices: { virtio_9p: device } } as unknown as Cpu;
    keepFilesOut(cpu, host);
    return { fs, device, files: new NinepFiles(cpu), state: new NinepState(cpu, host) };
  }

  /** Hands a share over as a restart does. */
  function handOver(from: ReturnType<typeof share>): ReturnType<typeof share> {
    const tree = from.fs.get_state();
    const list = from.state.save();
    // Through JSON: only plain values reach the next runtime.
    const plain = JSON.parse(JSON.stringify(tree, (_, value) => value?.get_state?.() ?? value));
    const to = share();
    if (list) to.state.check(list);
    to.fs.set_state(plain);
    to.state.load(list);
    return to;
  }

  it('leaves contents out of its state, and finds them again without a copy', () => {
    const first = share();
    first.files.write('dir/big', new Uint8Array(3_000_000).fill(7));
    const before = first.fs.inodedata[2];
    expect(JSON.stringify(first.fs.get_state()).length).toBeLessThan(2000);
    const second = handOver(first);
    expect(second.fs.inodedata[2] === before).toBe(true);
    const read = second.files.read('dir/big');
    expect(read.length).toBe(3_000_000);
    expect(read.every((byte) => byte === 7)).toBe(true);
  });

  it('tells the keeper of what the guest changes, in place or not', async () => {
    const { fs, files } = share();
    files.write('file', bytes('hello world'));
    const written = pieces.generation;
    await fs.Write(1, 0, 5, bytes('HELLO'));
    expect(pieces.generation).toBeGreaterThan(written);
    await fs.Write(1, 11, 4, bytes(', hi'));
    expect(text(files.read('file'))).toBe('HELLO world, hi');
    expect(text((pieces.get(1) as Uint8Array).subarray(0, 15))).toBe('HELLO world, hi');
  });

  it('keeps a file that was unlinked while it is open, and drops it when it is closed', async () => {
    const first = share();
    first.files.write('gone', bytes('still here'));
    first.fs.Unlink(0, 'gone');
    const second = handOver(first);
    expect(() => second.files.read('gone')).toThrow(/no "gone"/);
    await second.fs.Write(1, 0, 5, bytes('STILL'));
    expect(text((pieces.get(1) as Uint8Array).subarray(0, 10))).toBe('STILL here');
    await second.fs.CloseInode(1);
    expect(pieces.get(1)).toBeUndefined();
  });

  it('keeps the locks of a guest, which only their processes can release', () => {
    const first = share();
    first.files.write('file', bytes('0123456789'));
    /** A request by `flock` (the whole file) or `fcntl` (a part). */
    const ask = ({ fs }: { fs: Filesystem }, type: number, process: number, part?: number[]) => {
      const [start = 0, length = Number.POSITIVE_INFINITY] = part ?? [];
      return fs.Lock(1, fs.DescribeLock(type, start, length, process, 'guest'), 0);
    };
    expect(ask(first, lockType.write, 100, [0, 4])).toBe(0);
    expect(ask(first, lockType.write, 200, [4, Number.POSITIVE_INFINITY])).toBe(0);
    expect(ask(first, lockType.write, 300)).toBe(1);
    const second = handOver(first);
    expect(ask(second, lockType.write, 300, [2, 1])).toBe(1);
    expect(ask(second, lockType.write, 300, [9, 1])).toBe(1);
    expect(ask(second, lockType.none, 100)).toBe(0);
    expect(ask(second, lockType.write, 300, [2, 1])).toBe(0);
    expect(ask(second, lockType.write, 300, [9, 1])).toBe(1);
    expect(ask(second, lockType.none, 200)).toBe(0);
    expect(ask(second, lockType.write, 300)).toBe(0);
  });

  it('takes a state that holds the contents itself, as earlier builds wrote', () => {
    const fs = newFilesystem();
    const inode = fs.CreateFile('old', 0);
    void fs.set_data(inode, bytes('contents'));
    (fs.inodes[inode] as { size: number }).size = 8;
    const tree = fs.get_state() as [{ get_state(): unknown }[], ...unknown[]];
    tree[0] = tree[0].map((node) => node.get_state() as never);
    const { fs: next, files, state } = share();
    next.set_state(tree);
    state.load(undefined);
    expect(text(files.read('old'))).toBe('contents');
    expect(text(pieces.get(inode) as Uint8Array)).toBe('contents');
  });

  it('refuses a state whose files the keeper does not have', () => {
    const { files, state } = share();
    files.write('file', bytes('12345'));
    const list = state.save() as ShareFilesSection;
    pieces.delete(1);
    expect(() => share().state.check(list)).toThrow(
      expect.objectContaining({ code: 'wrong-disk' }),
    );
  });

  it('lets no reply and no hole between fids into its state', () => {
    const { device } = share();
    device.replybuffer.fill(1);
    device.fids[1] = { inodeid: 0, type: 1 };
    const state = device.get_state() as [...unknown[]];
    expect(state[6]).toEqual(new Uint8Array(64));
    expect((state[8] as unknown[])[0]).toEqual([-1, -1, 0, '']);
  });

  it('lists, reads and writes by path, and says what is wrong with one', () => {
    const { files } = share();
    files.write('a/b/c.txt', bytes('one'));
    files.write('/a/b/c.txt', bytes('three'));
    expect(files.list('')).toMatchObject([{ name: 'a', kind: 'directory', sizeBytes: 0 }]);
    expect(files.list('a/b')).toMatchObject([{ name: 'c.txt', kind: 'file', sizeBytes: 5 }]);
    expect(text(files.read('a/./b//c.txt'))).toBe('three');
    files.write('empty', new Uint8Array());
    expect(files.read('empty')).toHaveLength(0);
    for (const [call, code] of [
      [() => files.read('a/missing'), 'not-found'],
      [() => files.read('a/b/c.txt/d'), 'not-found'],
      [() => files.list('missing'), 'not-found'],
      [() => files.read('a'), 'file-failed'],
      [() => files.list('empty'), 'file-failed'],
      [() => files.write('', bytes('x')), 'file-failed'],
      [() => files.write('a', bytes('x')), 'file-failed'],
      [() => files.write('empty/x', bytes('x')), 'file-failed'],
      [() => files.read('../etc/passwd'), 'file-failed'],
    ] as const)
      expect(call).toThrow(expect.objectContaining({ code }));
  });
});
