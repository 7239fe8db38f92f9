import { expect, test } from 'vitest';
import { randomState, sha256, share, startServer } from './testing/server.ts';

test('20 clients upload and open at once, and nothing is lost', async () => {
  const server = await startServer();
  // Every client shares two states of its own and a common one, and reads what it shared.
  const common = randomState(300_000);
  const client = async () => {
    const own = [randomState(1_500_000), randomState(70_000)];
    for (const bytes of [...own, common]) {
      const { id } = await share(server.url, bytes);
      expect(id).toBe(sha256(bytes));
      const response = await fetch(new URL(id, server.url));
      expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(id);
    }
    return own.map(sha256);
  };
  try {
    const ids = await Promise.all(Array.from({ length: 20 }, client));
    for (const id of [...ids.flat(), sha256(common)]) {
      const response = await fetch(new URL(id, server.url));
      expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(id);
    }
  } finally {
    await server.close();
  }
});
