/** Fetches a whole image and reports progress. */
import { HoldfastError, unreachable } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import type { UrlSource } from '../../protocol/config.ts';
import { askingFor } from '../../protocol/visitor.ts';
import { isWebPage } from './image-kind.ts';
import { requireFile, webPage } from './server-answer.ts';

/**
 * A larger image does not fit into memory beside a guest; disks of this size are read in ranges.
 */
const largestBytes = 2 ** 31;

/** @throws HoldfastError `image-unavailable` */
export async function download(
  source: UrlSource,
  host: RuntimeHost,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = source.url.slice(source.url.lastIndexOf('/') + 1);
  try {
    const response = await fetch(source.url, {
      ...askingFor(source.url, host.config.foreign, globalThis.location?.href),
      ...(signal && { signal }),
    }).catch((cause) => {
      signal?.throwIfAborted();
      throw new Error(`its server ${unreachable}`, { cause });
    });
    requireFile(response);
    if (!response.body) throw new Error('the server sent nothing');
    const encoded = response.headers.has('content-encoding');
    const length = encoded ? 0 : Number(response.headers.get('content-length') ?? 0);
    const total = length || source.sizeBytes || 0;
    const chunks: Uint8Array[] = [];
    let loaded = 0;
    host.emit({ type: 'progress', file, loaded, total, done: false });
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      if (chunks.length === 0 && isWebPage(value)) throw new Error(webPage);
      chunks.push(value);
      loaded += value.length;
      if (loaded > (source.sizeBytes ?? largestBytes)) {
        await reader.cancel();
        throw new Error(`it has more than ${source.sizeBytes ?? largestBytes} bytes`);
      }
      host.emit({ type: 'progress', file, loaded, total, done: false });
    }
    if (source.sizeBytes !== undefined && loaded !== source.sizeBytes)
      throw new Error(`it has ${loaded} bytes, not ${source.sizeBytes}`);
    if (loaded === 0) throw new Error('it is empty');
    host.emit({ type: 'progress', file, loaded, total: loaded, done: true });
    const bytes = new Uint8Array(loaded);
    let offset = 0;
    // Each chunk is released once it is copied.
    for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  } catch (cause) {
    throw HoldfastError.from(cause, 'image-unavailable', `${file} cannot be used (${source.url})`);
  }
}
