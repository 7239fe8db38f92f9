/**
 * The 9p share over a restart. v86 keeps the tree of inodes and the contents of files in one
 * object, and its state holds both. Here the contents belong to the keeper, as pieces by inode: a big file
 * costs a restart nothing, and a checkpoint writes only the files that changed. The vmstate keeps the
 * tree, the guest's open files and locks, and says which contents belong to it.
 */

import { HoldfastError } from '../../errors.ts';
import type { RuntimeHost, VersionedPieces } from '../../protocol/abi.ts';
import type { ShareFilesSection } from '../../vmstate/sections.ts';

const piecesName = '9p.files';
/** Elements of v86's state: of the device, and of its file system. */
const deviceState = { replyBuffer: 6, fids: 8 } as const;
const treeState = { contents: 2 } as const;
/** What v86 makes of a fid that was closed: type, and inode. */
const closedFid = [-1, -1, 0, ''] as const;
/** A fid on which extended attributes are read. */
const xattrFid = 2;

/**
 * Makes the share leave the contents of files out of its state, and its reply buffer: a reply is
 * built and copied to the guest in one go.
 */
export function keepFilesOut(cpu: V86Cpu, host: RuntimeHost): void {
  const device = cpu.devices.virtio_9p;
  if (!device || !host.pieces) return;
  const { fs } = device;
  const takeTree = fs.get_state;
  fs.get_state = function get_state() {
    const state = takeTree.call(this);
    state[treeState.contents] = [];
    return state;
  };
  const takeDevice = device.get_state;
  device.get_state = function get_state() {
    const state = takeDevice.call(this);
    state[deviceState.replyBuffer] = new Uint8Array(device.replybuffer.length);
    // v86 trips over a fid that the guest skipped.
    const fids = state[deviceState.fids] as (unknown[] | undefined)[];
    state[deviceState.fids] = Array.from(fids, (fid) => fid ?? [...closedFid]);
    return state;
  };
}

/** The share of the runtime that has the guest. */
export class ShareState {
  readonly #device: V86Virtio9p | undefined;
  readonly #pieces: VersionedPieces | undefined;

  constructor(cpu: V86Cpu, host: RuntimeHost) {
    this.#device = cpu.devices.virtio_9p;
    this.#pieces = this.#device && host.pieces?.(piecesName);
    if (this.#device && this.#pieces) follow(this.#device.fs, this.#pieces);
  }

  /** Which contents belong to the tree; undefined where the state holds them itself. */
  save(): ShareFilesSection | undefined {
    if (!this.#device || !this.#pieces) return undefined;
    const files = regularFiles(this.#device.fs).map(
      ([inode, { length }]) => [inode, length] as const,
    );
    return { files };
  }

  /**
   * @param section what {@link save} returned
   * @throws {HoldfastError} `wrong-disk` when the keeper holds other files. Nothing is touched then.
   */
  check({ files }: ShareFilesSection): void {
    for (const [inode, length] of files) {
      if (this.#pieces?.get(inode)?.length !== length)
        throw new HoldfastError(
          'wrong-disk',
          `The files of the 9p share are not those that the state was taken with: of file ${inode}, ${length} bytes were there and ${this.#pieces?.get(inode)?.length ?? 'none'} are. Load it where its files are.`,
        );
    }
  }

  /**
   * After the device has its state.
   * @param section what {@link save} returned; undefined for a state that holds the contents itself.
   */
  load(section: ShareFilesSection | undefined): void {
    if (!this.#device) return;
    const { fs, fids } = this.#device;
    if (section) {
      for (const [inode] of section.files) {
        const contents = this.#pieces?.get(inode);
        if (contents) fs.inodedata[inode] = contents;
      }
    } else {
      for (const [inode, contents] of regularFiles(fs)) this.#pieces?.set(inode, contents);
    }
    // v86's state forgets the extended attributes that it made up.
    for (const { type, inodeid } of fids)
      if (type === xattrFid && fs.inodes[inodeid]) fs.PrepareCAPs(inodeid);
  }
}

/** Contents of directories are listings, which v86 makes anew for each read. */
function regularFiles(fs: V86Filesystem): [inode: number, contents: Uint8Array][] {
  return Object.entries(fs.inodedata)
    .map(([inode, contents]): [number, Uint8Array] => [Number(inode), contents])
    .filter(([inode]) => ((fs.inodes[inode]?.mode ?? 0) & 0o170000) === 0o100000);
}

/** v86 calls one of these after each change of a file's contents, in place or not. */
function follow(fs: V86Filesystem, pieces: VersionedPieces): void {
  const setData = fs.set_data;
  fs.set_data = function set_data(inode, contents) {
    pieces.set(inode, contents);
    return setData.call(this, inode, contents);
  };
  const deleteData = fs.DeleteData;
  fs.DeleteData = function DeleteData(inode) {
    pieces.delete(inode);
    return deleteData.call(this, inode);
  };
}
