/** Fetches a v86 state by its address. */

import { collectBlob } from '../../client/collect-blob.ts';
import { firstBlockBytes, guessImage } from '../ui/guess-image.ts';

interface FetchV86StateOptions {
  signal: AbortSignal;
  /** `totalBytes`: 0 if the server does not send the length. */
  onProgress(loadedBytes: number, totalBytes: number): void;
}

/**
 * Fetches a v86 state whole. Of other files it fetches only the beginning, to identify them.
 * @returns undefined if the file is no state of v86, or does not exist
 * @throws errors of `fetch` and the stream
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

/** The first bytes, enough to identify the file. */
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
  // `cancel` settles only when the other branch is cancelled as well.
  void reader.cancel();
  return new Blob(chunks);
}

/** Passes everything on, and reports the number of bytes so far. */
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
