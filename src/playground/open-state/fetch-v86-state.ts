/** A state of v86 itself by its address. */

import { collectBlob } from '../../client/collect-blob.ts';
import { firstBlockBytes, guessImage } from '../ui/guess-image.ts';

interface FetchV86StateOptions {
  signal: AbortSignal;
  /** `totalBytes`: 0 where the server does not say. */
  onProgress(loadedBytes: number, totalBytes: number): void;
}

/**
 * Fetches it whole, and of anything else no more than it takes to see that.
 * @returns undefined for what is no state of v86, and where the server has nothing
 * @throws what `fetch` and the stream fail with
 */
export async function fetchV86State(
  url: string,
  { signal, onProgress }: FetchV86StateOptions,
): Promise<File | undefined> {
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) return undefined;
  const totalBytes = Number(response.headers.get('content-length') ?? 0);
  const counted = response.body.pipeThrough(
    counter((loadedBytes) => onProgress(loadedBytes, totalBytes)),
  );
  const [forLook, whole] = counted.tee();
  const name = new URL(url).pathname.split('/').at(-1) || 'state';
  if ((await guessImage(new File([await headOf(forLook)], name))) === 'v86State')
    return new File([await collectBlob(whole)], name);
  await whole.cancel();
  return undefined;
}

/** The beginning, as much as it takes to see what it is. */
async function headOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = stream.getReader();
  while (bytes < firstBlockBytes) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    bytes += value.length;
  }
  // Settles only when the other branch is given up as well.
  void reader.cancel();
  return new Blob(chunks);
}

/** Passes everything on, and tells how many bytes it was so far. */
function counter(onBytes: (bytes: number) => void) {
  let bytes = 0;
  return new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      bytes += chunk.length;
      onBytes(bytes);
      controller.enqueue(chunk);
    },
  });
}
