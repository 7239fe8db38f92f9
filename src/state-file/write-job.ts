/** Writes one state file in a worker: compression delays neither the guest nor the page. */
import { HoldfastError } from '../errors.ts';
import { contentsOf } from '../protocol/carried-contents.ts';
import type { MachineConfig, StateReference } from '../protocol/config.ts';
import { PortReceiver, PortSender } from '../protocol/port-stream.ts';
import type { ExportItem, GuestDescription } from '../protocol/state-transfer.ts';
import { BaseImage } from './base-image.ts';
import { ChunkedWrites } from './chunked-writes.ts';
import { CompressionWorkers } from './compression-workers.ts';
import { type Codec, loadCodec } from './format/codec.ts';
import type { StateHead } from './format/head.ts';
import { portableConfig, portableUrl } from './portable-config.ts';
import { fetchState } from './sources/fetch-state.ts';
import { StateReader } from './state-reader.ts';
import { StateWriter } from './state-writer.ts';
import type { ExportProgress } from './types.ts';
import type { WriteJob } from './worker-protocol.ts';

const stallMs = 30_000;
const partBytes = 1 << 20;
const titleLength = 200;

export async function writeState(
  job: WriteJob,
  progress: (progress: ExportProgress) => void,
): Promise<void> {
  const file = new PortSender<Uint8Array<ArrayBuffer>>(job.file);
  const guest = new PortReceiver<ExportItem>(job.guest);
  file.signal.addEventListener('abort', () => guest.cancel(file.signal.reason));
  // A state on a base is small.
  const workers = new CompressionWorkers({ isLarge: !job.base });
  const { compress, parallel } = workers;
  try {
    const codec = await loadCodec();
    const begin = await guest.next();
    if (begin?.kind !== 'begin')
      throw new HoldfastError('internal', 'The guest does not say what it is.');
    const base = await openBase(job.base, begin.config, codec, file.signal);
    const chunks = new ChunkedWrites((bytes) => file.send(bytes, [bytes.buffer]));
    const head = headOf(begin, job, base?.reference);
    const writer = new StateWriter({
      codec,
      head,
      base,
      hot: begin.hotPages,
      compress,
      parallel,
      write: chunks.add,
    });
    await writer.begin();
    await writeContents(begin.config, writer);
    let readBytes = 0;
    for await (const item of guest) {
      if (item.kind === 'pages') await writer.pages(item);
      else if (item.kind === 'blob') await writer.blob(item);
      else if (item.kind === 'cut') await writer.end(item);
      readBytes += sizeOf(item);
      progress({ writtenBytes: writer.writtenBytes, readBytes });
    }
    await chunks.flush();
    file.end();
  } catch (thrown) {
    const error = HoldfastError.from(thrown, 'internal', 'The state could not be written');
    guest.cancel(error);
    file.fail(error);
  } finally {
    workers.end();
  }
}

function sizeOf(item: ExportItem): number {
  if (item.kind === 'pages') return item.contents.length + item.uniform.length * 2048;
  return item.kind === 'blob' ? item.bytes.length : 0;
}

async function openBase(
  wanted: WriteJob['base'],
  { openedFrom }: MachineConfig,
  codec: Codec,
  signal: AbortSignal,
): Promise<BaseImage | undefined> {
  if (!wanted) return undefined;
  const reference = wanted === 'opened-from' ? openedFrom : wanted;
  if (!reference) {
    throw new HoldfastError(
      'bad-config',
      'This machine was not opened from a published state, so there is nothing to build on. Export it whole.',
    );
  }
  const { bytes } = await fetchState(reference.url, stallMs, signal);
  return BaseImage.read(await StateReader.open(bytes, codec), reference, codec);
}

function headOf(
  { machineId, config, runtime, ranges }: GuestDescription,
  { title, thumbnail, siteUrl }: WriteJob,
  base: StateReference | undefined,
): StateHead {
  return {
    state: {
      title: (title ?? config.name).slice(0, titleLength),
      createdAtMs: Date.now(),
      machineId,
      config: portableConfig(config, siteUrl),
      v86Version: runtime.v86Version,
      ranges,
      ...(base && { base: { url: portableUrl(base.url, siteUrl), digest: base.digest } }),
    },
    thumbnail,
  };
}

/** Writes disks and images that exist only in this browser. */
async function writeContents(config: MachineConfig, writer: StateWriter): Promise<void> {
  for (const [stream, blob] of contentsOf(config)) {
    for (let offsetBytes = 0; offsetBytes < blob.size; offsetBytes += partBytes) {
      const part = await blob.slice(offsetBytes, offsetBytes + partBytes).arrayBuffer();
      const totalBytes = blob.size;
      const bytes = new Uint8Array(part);
      await writer.contents({ kind: 'blob', stream, index: 0, bytes, totalBytes, offsetBytes });
    }
  }
}
