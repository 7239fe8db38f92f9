/**
 * Returns the body of a response up to a limit: some servers never end it.
 * @returns undefined if there is more
 * @throws errors of the stream
 */
export async function boundedBody(
  { body }: Response,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || !value) break;
    chunks.push(value);
    length += value.length;
    if (length <= limitBytes) continue;
    await reader?.cancel().catch(() => {});
    return undefined;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
