import { expect, test } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { Copy } from './copy.ts';
import { DatabaseConnection } from './database-connection.ts';
import { loadDigest } from './digest.ts';

const options = {
  databaseName: 'holdfast',
  openTimeoutMs: 10_000,
  onLost: () => undefined,
  onWindow: () => undefined,
};

for (const [code, then] of [
  ['storage-full', 'is kept, and no other one is begun beside it'],
  ['storage-failing', 'is given up'],
] as const) {
  test(`[F4] a copy that is refused with ${code} ${then}`, async () => {
    let givenUp = 0;
    const copy = new Copy({
      first: new DatabaseConnection(options),
      digest: await loadDigest(),
      connect: () => Promise.reject(new HoldfastError(code, 'Refused.')),
      giveUp: () => {
        givenUp++;
      },
      completed: async () => undefined,
      discard: async () => undefined,
    });
    await copy.secure();
    expect(givenUp).toBe(code === 'storage-full' ? 0 : 1);
  });
}
