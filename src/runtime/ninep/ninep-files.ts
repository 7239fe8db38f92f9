/** The files of the 9p share by path, for all users but the guest. */
import { HoldfastError } from '../../errors.ts';
import type { NinepEntry } from '../../protocol/ninep.ts';

const modes = { mask: 0o170000, directory: 0o040000, file: 0o100000, link: 0o120000 } as const;

/** No use of {@link V86Filesystem}'s path methods, which yield the thread between two steps. */
export class NinepFiles {
  readonly #device: V86Virtio9p | undefined;

  constructor(cpu: V86Cpu) {
    this.#device = cpu.devices.virtio_9p;
  }

  /** @throws {HoldfastError} `not-found`, or `file-failed` if it is not a file */
  read(path: string): Uint8Array {
    const inode = this.#find(path);
    const { size } = this.#file(inode, path);
    return this.#fs.inodedata[inode]?.slice(0, size) ?? new Uint8Array(size);
  }

  /**
   * Creates or replaces a file, and creates its directories.
   * @throws {HoldfastError} `file-failed` if the path is not a file
   */
  write(path: string, bytes: Uint8Array): void {
    const fs = this.#fs;
    const parts = components(path);
    const name = parts.pop();
    if (name === undefined)
      throw new HoldfastError('file-failed', 'The share itself is not a file.');
    let parent = 0;
    for (const part of parts) {
      const child = fs.Search(parent, part);
      parent = child < 0 ? fs.CreateDirectory(part, parent) : child;
      if (!fs.IsDirectory(parent))
        throw new HoldfastError(
          'file-failed',
          `"${part}" in "${path}" is not a directory of the share.`,
        );
    }
    const found = fs.Search(parent, name);
    const inode = found < 0 ? fs.CreateFile(name, parent) : found;
    const file = this.#file(inode, path);
    file.size = bytes.length;
    file.mtime = Math.floor(Date.now() / 1000);
    file.qid.version++;
    // It completes at once: v86 declares it async for other kinds of file systems.
    void fs.set_data(inode, bytes.slice());
  }

  /** @throws {HoldfastError} `not-found`, or `file-failed` if it is not a directory */
  list(path: string): NinepEntry[] {
    const fs = this.#fs;
    const directory = this.#find(path);
    if (!fs.IsDirectory(directory))
      throw new HoldfastError('file-failed', `"${path}" is not a directory of the share.`);
    const entries: NinepEntry[] = [];
    for (const [name, inode] of fs.inodes[directory]?.direntries ?? []) {
      const node = fs.inodes[inode];
      if (!node || name === '.' || name === '..') continue;
      const kind = kindOf(node.mode);
      const sizeBytes = kind === 'file' ? node.size : 0;
      entries.push({ name, kind, sizeBytes, modifiedMs: node.mtime * 1000 });
    }
    return entries;
  }

  get #fs(): V86Filesystem {
    if (this.#device) return this.#device.fs;
    throw new HoldfastError(
      'not-found',
      'This machine has no 9p share. Start it with "filesystem9p" to have one.',
    );
  }

  #find(path: string): number {
    let inode = 0;
    for (const part of components(path)) {
      inode = this.#fs.IsDirectory(inode) ? this.#fs.Search(inode, part) : -1;
      if (inode < 0) throw new HoldfastError('not-found', `The share has no "${path}".`);
    }
    return inode;
  }

  #file(inode: number, path: string): V86Inode {
    const node = this.#fs.inodes[inode];
    if (node && kindOf(node.mode) === 'file') return node;
    throw new HoldfastError('file-failed', `"${path}" is not a file of the share.`);
  }
}

function components(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw new HoldfastError(
      'file-failed',
      `"${path}" leads out of the share: write it without "..".`,
    );
  return parts;
}

function kindOf(mode: number): NinepEntry['kind'] {
  switch (mode & modes.mask) {
    case modes.directory:
      return 'directory';
    case modes.file:
      return 'file';
    case modes.link:
      return 'link';
    default:
      return 'other';
  }
}
