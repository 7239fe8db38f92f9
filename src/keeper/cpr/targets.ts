/** Where cprSave writes to and cprLoad reads from. */
import { HoldfastError } from '../../errors.ts';
import type { CprSource, CprTarget } from '../../protocol/cpr.ts';
import type { Store } from '../../store/types.ts';

/** Absent where the keeper has no persistent storage. */
export type OpenStore = () => Promise<Store>;

/** Device state is a few hundred KiB; whatever is larger than this is no vmstate. */
const maxVmstateBytes = 256 * 1024 * 1024;

/**
 * Writes aside, then replaces: what was at the target is there until the new one is whole.
 * @throws HoldfastError `file-failed`, or what the store throws
 */
export async function writeTarget(
  target: CprTarget,
  bytes: Uint8Array,
  openStore: OpenStore | undefined,
): Promise<void> {
  switch (target.kind) {
    case 'bytes':
      return;
    case 'store':
      return (await storeOf(openStore)).entries.put(target.name, bytes);
    case 'file':
      return writeFile(target.handle, bytes);
    default:
      throw unknownKind(target);
  }
}

/** @throws HoldfastError `bad-vmstate` for what is too large, `file-failed`, or what the store throws */
export async function readSource(
  source: CprSource,
  openStore: OpenStore | undefined,
): Promise<Uint8Array> {
  switch (source.kind) {
    case 'bytes':
      if (!(source.bytes instanceof Uint8Array)) throw unknownKind(source);
      return source.bytes;
    case 'store':
      return (await storeOf(openStore)).entries.get(source.name);
    case 'file':
      return readFile(source.file);
    default:
      throw unknownKind(source);
  }
}

/** @throws HoldfastError `storage-unavailable` */
export async function storeOf(openStore: OpenStore | undefined): Promise<Store> {
  if (openStore) return openStore();
  throw new HoldfastError(
    'storage-unavailable',
    'This keeper has no persistent storage. Save to a file or to bytes instead.',
  );
}

async function writeFile(handle: FileSystemFileHandle, bytes: Uint8Array): Promise<void> {
  let stream: FileSystemWritableFileStream | undefined;
  try {
    // A copy of the file is written; closing it puts it in the file's place.
    stream = await handle.createWritable();
    await stream.write(bytes as Uint8Array<ArrayBuffer>);
    await stream.close();
  } catch (thrown) {
    // A stream that failed is gone already.
    await stream?.abort().catch(() => {});
    throw HoldfastError.from(thrown, 'file-failed', `${handle.name} could not be written`);
  }
}

async function readFile(file: Blob): Promise<Uint8Array> {
  if (file.size > maxVmstateBytes) {
    throw new HoldfastError('bad-vmstate', `A file of ${file.size} bytes is not a vmstate.`);
  }
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (thrown) {
    throw HoldfastError.from(thrown, 'file-failed', 'The file could not be read');
  }
}

function unknownKind(place: object): HoldfastError {
  const { kind } = place as { kind?: unknown };
  return new HoldfastError(
    'bad-config',
    `This keeper cannot save to or load from "${String(kind)}".`,
  );
}
