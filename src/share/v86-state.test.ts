import { expect, test } from 'vitest';
import { loadCodec } from './codec.ts';
import { readV86State } from './v86-state.ts';

const state = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);

test('a state of v86 is taken as it is, and through zstd', async () => {
  const { compress } = await loadCodec();
  const compressed = compress(state, 3);
  for (const given of [state, new Blob([state]), compressed])
    expect(Buffer.compare(await readV86State(given), state)).toBe(0);
});

test('zstd that is damaged, or lies about its length, is refused', async () => {
  const { compress } = await loadCodec();
  const compressed = compress(state, 3);
  await expect(readV86State(compressed.slice(0, -20))).rejects.toMatchObject({
    code: 'wrong-v86-state',
  });
  const liar = compressed.slice();
  liar.fill(0xff, 5, 9);
  await expect(readV86State(liar)).rejects.toMatchObject({ code: 'wrong-v86-state' });
});
