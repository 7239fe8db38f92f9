/** The server is killed at each step of a publication: security finding 14. */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { builtServer, startProcess } from './testing/process.ts';
import { publish, randomState, roomy, sha256, startServer, upload } from './testing/server.ts';

const killAt = join(import.meta.dirname, 'testing/kill-at.mjs');
const built = builtServer();
afterAll(() => built.remove());

const key = 'a-random-key-of-the-client';
const bytes = randomState(50_000);
const id = sha256(bytes);

/** Uploads and publishes to a server that is killed before its N-th change. */
async function publishKilledAt(
  step: number,
  folder: string,
): Promise<{ path: string; isAnswered: boolean }> {
  const env = Object.fromEntries(
    Object.entries(roomy).map(([name, value]) => [
      `HOLDFAST_STATES_${name.toUpperCase().replaceAll('-', '_')}`,
      value,
    ]),
  );
  const server = await startProcess(built, { args: ['--folder', folder], preload: [killAt], env });
  try {
    const uploadUrl = await upload(server.url, bytes);
    const armed = new Promise((done) => server.process.once('message', done));
    server.process.send({ killAt: step });
    await armed;
    const isAnswered = await publish(uploadUrl, id, key).then(
      (published) => published.id === id,
      () => false,
    );
    return { path: new URL(uploadUrl).pathname, isAnswered };
  } finally {
    await server.kill();
  }
}

const names = async (folder: string) => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !name.endsWith('.result'))
    .sort();
};

async function read(url: string): Promise<string | number> {
  const response = await fetch(new URL(id, url));
  return response.ok ? sha256(Buffer.from(await response.arrayBuffer())) : response.status;
}

/** The client never returns: either the stored data is complete, or nothing is stored. */
async function checkAbandoned(folder: string, isAnswered: boolean): Promise<void> {
  const server = await startServer({ folder, idleMs: 0 });
  try {
    await server.states.sweep();
    const left = await names(folder);
    const isThere = left.length > 0;
    if (isAnswered) expect(isThere).toBe(true);
    expect(left).toEqual(isThere ? [`records/${id}`, `states/${id}`] : []);
    expect(await read(server.url)).toBe(isThere ? id : 404);
  } finally {
    await server.close();
  }
}

/** The client tries again, and gets the result that it would have received. */
async function checkRepeated(folder: string, path: string, isAnswered: boolean): Promise<void> {
  const server = await startServer({ folder });
  try {
    if (isAnswered) expect(await read(server.url)).toBe(id);
    const again = await publish(new URL(path, server.url).href, id, key);
    expect(again.id).toBe(id);
    expect(await read(server.url)).toBe(id);
    const headers = { authorization: `Bearer ${again.deletionToken}` };
    const removed = await fetch(new URL(id, server.url), { method: 'DELETE', headers });
    expect(removed.status).toBe(204);
    expect(await read(server.url)).toBe(404);
    await server.states.sweep();
    expect(await names(folder)).toEqual([]);
  } finally {
    await server.close();
  }
}

test('killed at any step of a publication, a state that was answered is there, and no orphan stays', {
  timeout: 600_000,
}, async () => {
  let steps = 0;
  for (let isAnswered = false; !isAnswered; steps++) {
    const root = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
    const [folder, copy] = [join(root, 'states'), join(root, 'copy')];
    try {
      const killed = await publishKilledAt(steps + 1, folder);
      isAnswered = killed.isAnswered;
      await cp(folder, copy, { recursive: true });
      await checkAbandoned(copy, isAnswered);
      await checkRepeated(folder, killed.path, isAnswered);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }
  // The steps: the result, the record, the state, the result again, and the removed files.
  expect(steps).toBeGreaterThan(15);
});
