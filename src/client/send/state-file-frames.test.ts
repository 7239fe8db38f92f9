import { expect, test, vi } from 'vitest';
import { collectBlob } from '../collect-blob.ts';
import { socketPair } from '../hosts/testing/socket-pair.ts';
import { receiveStateFile, sendStateFile } from './state-file-frames.ts';

const { signal } = new AbortController();

async function* chunks(...sizes: number[]) {
  for (const [i, size] of sizes.entries()) yield new Uint8Array(size).fill(i + 1);
}

test('[SD10] a file arrives whole in chunks of any size', async () => {
  const [near, far] = socketPair();
  const moved: number[] = [];
  const arriving = collectBlob(receiveStateFile(far, 1e6, (bytes) => moved.push(bytes)));
  await sendStateFile(near, chunks(10, 0, 65_535, 65_536, 200_000), signal);
  const bytes = new Uint8Array(await (await arriving).arrayBuffer());
  const sent: Uint8Array[] = [];
  for await (const chunk of chunks(10, 0, 65_535, 65_536, 200_000)) sent.push(chunk);
  expect(Buffer.compare(bytes, Buffer.concat(sent))).toBe(0);
  expect(moved.at(-1)).toBeGreaterThan(bytes.length);
});

test('[SD10] a file that is cut off, too large or no file fails', async () => {
  const failure = { code: 'migration-failed' };
  const cut = socketPair();
  const first = collectBlob(receiveStateFile(cut[1], 1e6, () => {}));
  cut[0].send(Uint8Array.of(0, 1, 2));
  cut[0].close();
  await expect(first).rejects.toMatchObject(failure);

  const large = socketPair();
  const second = collectBlob(receiveStateFile(large[1], 150, () => {}));
  await Promise.all([
    expect(second).rejects.toMatchObject(failure),
    sendStateFile(large[0], chunks(100, 100), signal),
  ]);

  const odd = socketPair();
  const third = collectBlob(receiveStateFile(odd[1], 150, () => {}));
  odd[0].send(Uint8Array.of(9));
  await expect(third).rejects.toMatchObject(failure);
});

test('[SD11] sending a file ends when it is cancelled', async () => {
  const [near] = socketPair();
  const abort = new AbortController();
  const endless = async function* () {
    for (;;) {
      yield new Uint8Array(1000);
      abort.abort(new Error('enough'));
    }
  };
  await expect(sendStateFile(near, endless(), abort.signal)).rejects.toThrow('enough');
});

test('[SD10] no more than 8 MiB are under way that the receiver has not taken', async () => {
  const MiB = 1 << 20;
  const [near, far] = socketPair();
  let arrived = 0;
  far.addEventListener('message', (event) => {
    arrived += (event as MessageEvent<ArrayBuffer>).data.byteLength;
  });
  const abort = new AbortController();
  const sending = sendStateFile(near, chunks(30 * MiB), abort.signal);
  await vi.waitFor(() => expect(arrived).toBeGreaterThanOrEqual(8 * MiB));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(arrived).toBeLessThan(8 * MiB + 65_537);
  for (let i = 0; i < 3; i++) far.send(Uint8Array.of(2));
  await vi.waitFor(() => expect(arrived).toBeGreaterThanOrEqual(11 * MiB));
  expect(arrived).toBeLessThan(11 * MiB + 65_537);
  abort.abort(new Error('enough'));
  await expect(sending).rejects.toThrow('enough');
});

test('[SD10] a file of many windows arrives', async () => {
  const [near, far] = socketPair();
  const arriving = collectBlob(receiveStateFile(far, 1e8, () => {}));
  await sendStateFile(near, chunks(40 << 20), signal);
  expect((await arriving).size).toBe(40 << 20);
});
