/**
 * Collects a stream as a Blob without holding it in memory. Browsers store the contents of Blobs
 * outside the page's memory, and large ones on the disk.
 * @throws the error that the stream fails with
 */
export async function collectBlob(stream: ReadableStream<Uint8Array>): Promise<Blob> {
  const parts: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const pack = () => {
    parts.push(new Blob(chunks));
    chunks = [];
    bytes = 0;
  };
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value as Uint8Array<ArrayBuffer>);
    bytes += value.length;
    if (bytes >= partBytes) pack();
  }
  pack();
  return new Blob(parts);
}

const partBytes = 1024 * 1024;
