/** Targets of cprSave and sources of cprLoad. */
import { HoldfastError } from '../../errors.ts';
import type { CprSource, CprTarget } from '../../protocol/cpr.ts';
import type { Store } from '../../store/types.ts';

/** Absent if the keeper has no persistent storage. */
export type OpenStore = () => Promise<Store>;

/** Device state is a few hundred KiB; larger input is not a vmstate. */
const maxVmstateBytes = 256 * 1024 * 1024;

/**
 * Writes aside, then replaces: the target's old contents remain until the new ones are complete.
 * @throws HoldfastError `file-failed`, or errors of the store
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

/** @throws HoldfastError `bad-vmstate` if too large, `file-failed`, or errors of the store */
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
    // A copy of the file is written; closing it replaces the file.
    stream = await handle.createWritable();
    await stream.write(bytes as Uint8Array<ArrayBuffer>);
    await stream.close();
  } catch (thrown) {
    // A failed stream is already closed.
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
