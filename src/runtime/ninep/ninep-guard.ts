/**
 * Limits a guest's use of its 9p share. Plain v86 allocates the sizes in a message, trusts its form,
 * and leaves a promise unhandled. Here each message is checked before v86 gets it.
 */
import type { RuntimeHost } from '../../protocol/abi.ts';
import { usualLimits } from '../../protocol/machine-limits.ts';
import { errno, errorReply, type Growth, judge } from './message.ts';

/** Unanswered messages; their bytes stay in memory. */
const inFlightLimit = 128;
/** Limit of inodes; v86 also keeps those of deleted files. */
const inodeLimit = 131_072;
const lockLimit = 4096;

export function guardNinep(cpu: V86Cpu, host: RuntimeHost): void {
  const device = cpu.devices.virtio_9p;
  if (device?.virtqueue) new ShareGuard(device, device.virtqueue, host);
}

class ShareGuard {
  readonly #device: V86Virtio9p;
  readonly #limitBytes: number;
  readonly #host: RuntimeHost;
  readonly #unanswered = new Set<V86VirtBuffer>();
  /** Size of all contents; undefined if it must be counted. */
  #contents: number | undefined;
  /** Size of the metadata that was created since this runtime became active. */
  #metadata = 0;
  #isTold = false;

  constructor(device: V86Virtio9p, queue: V86VirtQueue, host: RuntimeHost) {
    this.#device = device;
    this.#host = host;
    const { shareMiB = usualLimits.shareMiB } = host.config.limits ?? {};
    this.#limitBytes = shareMiB * 2 ** 20;
    this.#count(device.fs);
    this.#intercept(queue);
  }

  #count(fs: V86Filesystem): void {
    const { set_data: set, DeleteData: remove, set_state: load } = fs;
    const note = (bytes: number) => {
      if (this.#contents !== undefined) this.#contents += bytes;
    };
    fs.set_data = function set_data(inode, contents) {
      note(contents.length - (this.inodedata[inode]?.length ?? 0));
      return set.call(this, inode, contents);
    };
    fs.DeleteData = function DeleteData(inode) {
      note(-(this.inodedata[inode]?.length ?? 0));
      return remove.call(this, inode);
    };
    if (load)
      fs.set_state = (state) => {
        this.#contents = undefined;
        return load.call(fs, state);
      };
  }

  /**
   * Takes each request here and handles its promise, so that v86's own loop over a queue finds
   * none.
   */
  #intercept(queue: V86VirtQueue): void {
    const { has_request: has, pop_request: pop, push_reply: push, reset } = queue;
    queue.push_reply = (chain) => {
      if (this.#unanswered.delete(chain)) push.call(queue, chain);
    };
    queue.reset = () => {
      this.#unanswered.clear();
      reset.call(queue);
    };
    let isPopping = false;
    queue.has_request = () => {
      // v86 checks once more when it takes a request.
      if (isPopping) return has.call(queue);
      while (this.#unanswered.size < inFlightLimit && has.call(queue)) {
        isPopping = true;
        const chain = pop.call(queue);
        isPopping = false;
        this.#unanswered.add(chain);
        void this.#receive(queue, chain);
      }
      return false;
    };
  }

  async #receive(queue: V86VirtQueue, chain: V86VirtBuffer): Promise<void> {
    const message = new Uint8Array(chain.length_readable);
    try {
      chain.get_next_blob(message);
      const code = this.#refusal(message);
      if (code !== undefined) return this.#answer(queue, chain, errorReply(message, code));
      await this.#device.ReceiveRequest(readAgain(chain, message));
    } catch {
      // v86 fails on messages that no driver sends, and on buffers outside of the guest's memory.
      this.#answer(queue, chain, errorReply(message, errno.io));
    }
  }

  #answer(queue: V86VirtQueue, chain: V86VirtBuffer, reply: Uint8Array): void {
    if (!this.#unanswered.has(chain)) return;
    try {
      chain.set_next_blob(reply);
    } catch {
      // The guest's buffer is outside of its memory.
    }
    queue.push_reply(chain);
    queue.flush_replies();
  }

  #refusal(message: Uint8Array): number | undefined {
    const judged = judge(message, (fid) => (this.#device.fids[fid]?.inodeid ?? -1) >= 0);
    return judged.kind === 'refused' ? judged.errno : this.#overLimit(judged.growth);
  }

  #overLimit({ resize, metadataBytes, lock }: Growth): number | undefined {
    const { fs, fids } = this.#device;
    if (lock && (fs.inodes[fids[lock.fid]?.inodeid ?? -1]?.locks.length ?? 0) >= lockLimit)
      return errno.noLocks;
    let growth = 0;
    if (metadataBytes !== undefined) {
      if (fs.inodes.length >= inodeLimit) return this.#full();
      growth = metadataBytes;
    }
    if (resize) {
      const present = fs.inodedata[fids[resize.fid]?.inodeid ?? -1]?.length ?? 0;
      // v86 allocates half as much again beside the old buffer.
      if (resize.sizeBytes > present) growth = Math.floor(resize.sizeBytes * 1.5) - present;
    }
    if (growth === 0) return undefined;
    if (this.#used() + growth > this.#limitBytes) return this.#full();
    this.#metadata += metadataBytes ?? 0;
    return undefined;
  }

  #used(): number {
    const { fs } = this.#device;
    this.#contents ??= Object.values(fs.inodedata).reduce((sum, { length }) => sum + length, 0);
    return this.#contents + this.#metadata;
  }

  #full(): number {
    if (!this.#isTold) {
      this.#isTold = true;
      this.#host.emit({
        type: 'error',
        code: 'guest-over-limit',
        message: `The guest's 9p share is full: it may hold ${this.#limitBytes / 2 ** 20} MiB. The guest is told that no space is left, and runs on.`,
      });
    }
    return errno.noSpace;
  }
}

/** Returns the request for v86, with its bytes already in `message`. */
function readAgain(chain: V86VirtBuffer, message: Uint8Array): V86VirtBuffer {
  let at = 0;
  chain.get_next_blob = (target) => {
    const bytes = message.subarray(at, at + target.length);
    target.set(bytes);
    at += bytes.length;
    return bytes.length;
  };
  return chain;
}
