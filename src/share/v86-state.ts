/** A state of v86 as a page has it: decompressed, if it was. */
import { CprError } from '../errors.ts';

const zstdMagic = 0xfd2fb528;
/** As much as v86 itself can hold: all of RAM, and some. */
const limitBytes = 2 ** 31;

/** @throws CprError `wrong-v86-state` */
export async function readV86State(state: Blob | Uint8Array): Promise<Uint8Array> {
  const bytes = state instanceof Blob ? new Uint8Array(await state.arrayBuffer()) : state;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(0, true) !== zstdMagic) return bytes;
  // Few pages need it, so it is not part of all of them.
  const { contentBytes, loadCodec } = await import('./codec.ts');
  const rawBytes = contentBytes(bytes);
  if (rawBytes === undefined) {
    throw new CprError(
      'wrong-v86-state',
      'This zstd file does not say how long its contents are. Compress the state as a file, not as a stream, or decompress it first.',
    );
  }
  if (rawBytes > limitBytes)
    throw new CprError('wrong-v86-state', `This file claims ${rawBytes} bytes of contents.`);
  try {
    return (await loadCodec()).decompress(bytes, rawBytes);
  } catch (cause) {
    throw new CprError('wrong-v86-state', 'This zstd file is damaged.', { cause });
  }
}
