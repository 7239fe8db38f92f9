/**
 * Checks that a file is a state file (docs/spec/state-file.md). Such a file has the magic, a known
 * format version, and a head with a matching digest. The server is no host for other files.
 */
import xxhash from 'xxhash-wasm';

const magic = 'HOLDSTAT';
const formatVersions = [1, 2];
/** Magic, format version u32, length of the head u32, digest of the head u64. */
const preambleBytes = 24;
const maxHeadBytes = 1 << 20;

const { h64Raw } = await xxhash();

/** Checks the beginning of a stream as it passes. */
export class StateHeadCheck {
  #seen: Buffer[] = [];
  #seenBytes = 0;

  /** Takes the next bytes. Bytes after the head are not kept. */
  update(bytes: Buffer): void {
    if (this.#seenBytes >= preambleBytes + maxHeadBytes) return;
    this.#seen.push(bytes);
    this.#seenBytes += bytes.length;
  }

  /** Returns true if the stream began like a state file. */
  isSound(): boolean {
    const bytes = Buffer.concat(this.#seen);
    if (bytes.length < preambleBytes || bytes.toString('latin1', 0, 8) !== magic) return false;
    if (!formatVersions.includes(bytes.readUInt32LE(8))) return false;
    const headBytes = bytes.readUInt32LE(12);
    if (headBytes > maxHeadBytes || bytes.length < preambleBytes + headBytes) return false;
    const head = bytes.subarray(preambleBytes, preambleBytes + headBytes);
    return h64Raw(head, h64Raw(bytes.subarray(0, 16))) === bytes.readBigUInt64LE(16);
  }
}
