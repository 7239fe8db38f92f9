/** A state of v86 for a page: decompressed if needed. */
import { HoldfastError } from '../errors.ts';
import { zstdContentBytes } from '../protocol/zstd-frame.ts';
import { readOptions, type V86StateMachine } from './v86-state-options.ts';

const zstdMagic = 0xfd2fb528;
/** Magic, version, length of the file, length of the JSON that describes it. */
const headerBytes = 16;
const v86Magic = 0x86768676;
/** A state without its buffers is some 100 KiB; the tree of a 9p share can be larger. */
const infoLimitBytes = 64 << 20;
/** Limit of v86 itself: all of RAM, and some more. */
const limitBytes = 2 ** 31;
/** Size to which any compressed state may unpack, at any ratio. */
const unquestionedBytes = 512 * 2 ** 20;
/** Guests compress some ten times, and memory of zeros thousands of times. */
const usualRatio = 256;

/**
 * Loads the codec on demand: few pages need it.
 * @throws HoldfastError `part-unavailable`
 */
export async function codecPart() {
  try {
    return await import('./format/codec.ts');
  } catch (cause) {
    throw new HoldfastError(
      'part-unavailable',
      'The decoder of zstd files could not be loaded. If the site was updated meanwhile, reload the page: the guest continues.',
      { cause },
    );
  }
}

/** @throws HoldfastError `wrong-v86-state` */
export async function readV86State(state: Blob | Uint8Array): Promise<Uint8Array> {
  const bytes = state instanceof Blob ? new Uint8Array(await state.arrayBuffer()) : state;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(0, true) !== zstdMagic) return bytes;
  const { loadCodec } = await codecPart();
  const rawBytes = zstdContentBytes(bytes);
  if (rawBytes === undefined) {
    throw new HoldfastError(
      'wrong-v86-state',
      'This zstd file does not say how long its contents are. Compress the state as a file, not as a stream, or decompress it first.',
    );
  }
  if (rawBytes > Math.min(limitBytes, Math.max(unquestionedBytes, bytes.length * usualRatio)))
    throw new HoldfastError('wrong-v86-state', `This file claims ${rawBytes} bytes of contents.`);
  try {
    return (await loadCodec()).decompress(bytes, rawBytes);
  } catch (cause) {
    throw new HoldfastError('wrong-v86-state', 'This zstd file is damaged.', { cause });
  }
}

/**
 * Returns the options for a result of {@link readV86State}. All of it is checked when the state is
 * opened.
 * @throws HoldfastError `wrong-v86-state`
 */
export function machineOfV86State(state: Uint8Array): V86StateMachine {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  if (state.length < headerBytes || view.getUint32(0, true) !== v86Magic)
    throw new HoldfastError(
      'wrong-v86-state',
      'This is no state of v86: its first bytes are others.',
    );
  const infoBytes = view.getUint32(12, true);
  const info = state.subarray(headerBytes, headerBytes + Math.min(infoBytes, infoLimitBytes));
  try {
    const { state: machine, buffer_infos: buffers } = JSON.parse(new TextDecoder().decode(info));
    const options = readOptions({ state: machine, buffers });
    if (options.memoryMiB > 0 && options.vgaMemoryMiB > 0) return options;
  } catch {
    // The error is thrown below.
  }
  throw new HoldfastError('wrong-v86-state', 'This is no state of v86: it is damaged.');
}
