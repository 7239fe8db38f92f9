/**
 * Gathers a stream as a Blob without holding it: browsers put the contents of Blobs, large ones onto
 * the disk, outside of the page's memory.
 * @throws what the stream fails with
 */
export async function collectBlob(stream: ReadableStream<Uint8Array>): Promise<Blob> {
  const parts: Blob[] = [];
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const pack = () => {
    parts.push(new Blob(pieces));
    pieces = [];
    bytes = 0;
  };
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value as Uint8Array<ArrayBuffer>);
    bytes += value.length;
    if (bytes >= partBytes) pack();
  }
  pack();
  return new Blob(parts);
}

const partBytes = 1024 * 1024;
