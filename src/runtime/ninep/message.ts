/** Checks the harmful parts of a guest's 9P2000.L messages. Names as in Linux' `net/9p`. */

export const errno = {
  io: 5,
  badFile: 9,
  invalid: 22,
  tooManyFiles: 24,
  noSpace: 28,
  nameTooLong: 36,
  noLocks: 37,
  notSupported: 95,
} as const;

const header = 7;
const rlerror = 7;
const [nameLimit, pathLimit, clientLimit] = [255, 4096, 255];
/** Limit of fids; Linux numbers them from 0 on. */
const fidLimit = 65_536;
const setattrSize = 0x08;

/** Growth of the share by one message. */
export interface Growth {
  /** New size of a file, to be compared with its present one. */
  resize?: { fid: number; sizeBytes: number };
  /** Growth of the tree. */
  metadataBytes?: number;
  /** One more lock of this file. */
  lock?: { fid: number };
}

type Judged = { kind: 'refused'; errno: number } | { kind: 'fine'; growth: Growth };

const refused = (code: number): Judged => ({ kind: 'refused', errno: code });
const fine = (growth: Growth = {}): Judged => ({ kind: 'fine', growth });

/** For each request: its least length without the header, and whether it begins with a fid. */
const requests: Record<number, readonly [bytes: number, hasFid: boolean]> = {
  8: [4, true],
  12: [8, true],
  14: [18, true],
  16: [12, true],
  18: [22, true],
  20: [10, true],
  22: [4, true],
  24: [12, true],
  26: [60, true],
  30: [10, true],
  32: [18, true],
  40: [16, true],
  50: [4, true],
  52: [35, true],
  54: [31, true],
  70: [10, true],
  72: [14, true],
  74: [12, true],
  76: [10, true],
  100: [6, false],
  102: [8, false],
  104: [16, false],
  108: [2, false],
  110: [10, true],
  112: [5, true],
  116: [16, true],
  118: [16, true],
  120: [4, true],
  122: [4, true],
};

/** @param isOpen returns true if a fid is in use */
export function judge(message: Uint8Array, isOpen: (fid: number) => boolean): Judged {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const id = message[4] ?? 0;
  const request = requests[id];
  if (!request) return refused(errno.notSupported);
  if (message.length < header + request[0]) return refused(errno.invalid);
  const word = (at: number) => view.getUint32(header + at, true);
  const long = (at: number) => Number(view.getBigUint64(header + at, true));
  const fid = request[0] >= 4 ? word(0) : 0;
  if (request[1] && !isOpen(fid)) return refused(errno.badFile);
  const text = (at: number) => textLength(view, header + at);
  switch (id) {
    case 14: // Tlcreate: fid, name
    case 72: // Tmkdir: directory, name
      return named(text(4));
    case 18: // Tmknod
      return named(text(4));
    case 16: {
      // Tsymlink: directory, name, target
      const name = text(4);
      const target = name === undefined ? undefined : text(6 + name);
      if (target === undefined) return refused(errno.invalid);
      return target > pathLimit ? refused(errno.nameTooLong) : named(name, target);
    }
    case 26: {
      // Tsetattr: fid, valid, mode, uid, gid, size
      const isSized = (word(4) & setattrSize) !== 0;
      return fine(isSized ? { resize: { fid, sizeBytes: long(20) } } : {});
    }
    case 118: {
      // Twrite: fid, offset, count
      const [offset, count] = [long(4), word(12)];
      if (message.length < header + 16 + count) return refused(errno.invalid);
      return fine({ resize: { fid, sizeBytes: offset + count } });
    }
    case 52: {
      // Tlock: fid, type, flags, start, length, process, client
      const client = text(29);
      return client === undefined || client > clientLimit
        ? refused(errno.invalid)
        : fine({ lock: { fid } });
    }
    case 70: // Tlink: directory, fid, name
      return isOpen(word(4)) ? named(text(8)) : refused(errno.badFile);
    case 20: // Trename: fid, directory, name
      return isOpen(word(4)) ? named(text(8)) : refused(errno.badFile);
    case 74: {
      // Trenameat: directory, name, directory, name
      const old = text(4);
      if (old === undefined || message.length < header + 12 + old) return refused(errno.invalid);
      return isOpen(word(6 + old)) ? named(text(10 + old)) : refused(errno.badFile);
    }
    case 104: // Tattach: a new fid
      return fid < fidLimit ? fine() : refused(errno.tooManyFiles);
    case 110: // Twalk: fid, new fid
    case 30: // Txattrwalk
      return word(4) < fidLimit ? fine() : refused(errno.tooManyFiles);
    default:
      return fine();
  }
}

/** Beside names, v86 stores an object of some 500 bytes for each file. */
function named(name: number | undefined, target = 0): Judged {
  if (name === undefined) return refused(errno.invalid);
  return name > nameLimit
    ? refused(errno.nameTooLong)
    : fine({ metadataBytes: 512 + 2 * (name + target) });
}

/**
 * Returns the length of a string without the two bytes of its length field. Returns undefined if the message
 * ends before the string.
 */
function textLength(view: DataView, at: number): number | undefined {
  if (at + 2 > view.byteLength) return undefined;
  const length = view.getUint16(at, true);
  return at + 2 + length <= view.byteLength ? length : undefined;
}

/** Returns the answer to a refused message. */
export function errorReply(message: Uint8Array, code: number): Uint8Array {
  const reply = new Uint8Array(header + 4);
  const view = new DataView(reply.buffer);
  view.setUint32(0, reply.length, true);
  reply[4] = rlerror;
  reply[5] = message[5] ?? 0xff;
  reply[6] = message[6] ?? 0xff;
  view.setUint32(header, code, true);
  return reply;
}
