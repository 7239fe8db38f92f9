/**
 * The 9p share across a restart. One object of v86 stores the tree of inodes and the contents of
 * files, and its state holds both. Here the keeper owns the contents, as pieces by inode. So a big
 * file costs a restart nothing, and a checkpoint writes only the changed files. The vmstate holds
 * the tree, the guest's open files and locks, and the list of the contents.
 */

import { HoldfastError } from '../../errors.ts';
import type { RuntimeHost, VersionedPieces } from '../../protocol/abi.ts';
import type { ShareFilesSection } from '../../vmstate/sections.ts';

const piecesName = '9p.files';
/** Elements of v86's state: of the device, and of its file system. */
const deviceState = { replyBuffer: 6, fids: 8 } as const;
const treeState = { contents: 2 } as const;
/** v86's form of a closed fid: type, and inode. */
const closedFid = [-1, -1, 0, ''] as const;
/** A fid on which extended attributes are read. */
const xattrFid = 2;

/**
 * Leaves the contents of files and the reply buffer out of the share's state: a reply is built and
 * copied to the guest in one step.
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
    // v86 fails on a fid that the guest skipped.
    const fids = state[deviceState.fids] as (unknown[] | undefined)[];
    state[deviceState.fids] = Array.from(fids, (fid) => fid ?? [...closedFid]);
    return state;
  };
}

/** The share of the active runtime. */
export class NinepState {
  readonly #device: V86Virtio9p | undefined;
  readonly #pieces: VersionedPieces | undefined;

  constructor(cpu: V86Cpu, host: RuntimeHost) {
    this.#device = cpu.devices.virtio_9p;
    this.#pieces = this.#device && host.pieces?.(piecesName);
    if (this.#device && this.#pieces) follow(this.#device.fs, this.#pieces);
  }

  /** Returns the list of the tree's contents; undefined if the state holds them itself. */
  save(): ShareFilesSection | undefined {
    if (!this.#device || !this.#pieces) return undefined;
    const files = regularFiles(this.#device.fs).map(
      ([inode, { length }]) => [inode, length] as const,
    );
    return { files };
  }

  /**
   * @param section the result of {@link save}
   * @throws {HoldfastError} `wrong-disk` if the keeper holds other files. Nothing is changed then.
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
   * Loads the contents, after the device state.
   * @param section the result of {@link save}; undefined for a state that holds the contents
   * itself.
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
    // v86's state lacks the extended attributes that it generated.
    for (const { type, inodeid } of fids)
      if (type === xattrFid && fs.inodes[inodeid]) fs.PrepareCAPs(inodeid);
  }
}

/**
 * Returns the contents of files. Those of directories are listings, which v86 generates again for
 * each read.
 */
function regularFiles(fs: V86Filesystem): [inode: number, contents: Uint8Array][] {
  return Object.entries(fs.inodedata)
    .map(([inode, contents]): [number, Uint8Array] => [Number(inode), contents])
    .filter(([inode]) => ((fs.inodes[inode]?.mode ?? 0) & 0o170000) === 0o100000);
}

/**
 * Copies changes to the pieces. After each change of a file's contents, in place or not, v86 calls
 * one of these methods.
 */
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
