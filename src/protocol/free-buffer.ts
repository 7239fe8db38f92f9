/**
 * Frees a buffer at once. The collector frees it only after some 64 MiB of such buffers.
 * `ArrayBuffer.transfer` detaches it, but then the browser holds its memory and counts it as free.
 */
export function freeBuffer(buffer: ArrayBufferLike): void {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  // Nobody receives it.
  port1.postMessage(undefined, [buffer as ArrayBuffer]);
  port1.close();
}
