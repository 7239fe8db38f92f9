/**
 * Frees buffers at once. The garbage collector frees it only after some 64 MiB of such buffers.
 * `ArrayBuffer.transfer` also detaches it, but the browser then retains the memory and counts it as
 * free.
 */
export function freeBuffer(...buffers: readonly ArrayBufferLike[]): void {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  // No port receives the message.
  port1.postMessage(undefined, buffers as readonly ArrayBuffer[] as ArrayBuffer[]);
  port1.close();
}
