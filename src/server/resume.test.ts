import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  previousUpload,
  publish,
  randomState,
  sha256,
  startServer,
  upload,
} from './testing/server.ts';

const main = join(import.meta.dirname, 'main.ts');
const state = randomState(3 * 1024 * 1024);
const digest = sha256(state);

const offsetOf = async (uploadUrl: string) => {
  const headers = { 'tus-resumable': '1.0.0' };
  const response = await fetch(uploadUrl, { method: 'HEAD', headers });
  return Number(response.headers.get('upload-offset'));
};

async function download(url: string, id: string): Promise<string> {
  return sha256(Buffer.from(await (await fetch(new URL(id, url))).arrayBuffer()));
}

/** A connection to the server that breaks once this many bytes were sent. */
async function breakingLine(port: number, afterBytes: number): Promise<[Server, string]> {
  let sentBytes = 0;
  const server = createTcpServer((client) => {
    const upstream: Socket = connect(port, '127.0.0.1');
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    client.on('error', end).on('close', end);
    upstream.on('error', end).on('close', end);
    upstream.pipe(client);
    client.on('data', (bytes) => {
      sentBytes += bytes.length;
      upstream.write(bytes);
      if (sentBytes > afterBytes) end();
    });
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  const linePort = typeof address === 'object' && address ? address.port : 0;
  return [server, `http://127.0.0.1:${linePort}/states/`];
}

test('an upload whose connection breaks continues where it was', async () => {
  const server = await startServer();
  const [line, lineUrl] = await breakingLine(server.port, 2 * 1024 * 1024);
  try {
    await expect(upload(lineUrl, state)).rejects.toThrow();
    const [name] = (await readdir(join(server.root, 'states/uploads'))).filter(
      (file) => !file.endsWith('.json'),
    );
    const uploadUrl = new URL(`uploads/${name}`, server.url).href;
    await expect.poll(() => offsetOf(uploadUrl), { timeout: 20_000 }).toBeGreaterThan(0);
    expect(await offsetOf(uploadUrl)).toBeLessThan(state.length);
    await upload(server.url, state, { previous: previousUpload(uploadUrl, state.length) });
    const { id } = await publish(uploadUrl, digest);
    expect(await download(server.url, id)).toBe(digest);
  } finally {
    line.close();
    await server.close();
  }
});

test('an upload is not published before it is whole', async () => {
  const server = await startServer();
  try {
    const uploadUrl = await upload(server.url, state, {
      chunkSize: 1024 * 1024,
      breakOffAfterBytes: 1024 * 1024,
    });
    await expect(publish(uploadUrl)).rejects.toThrow('409');
  } finally {
    await server.close();
  }
});

test('a server that is killed in the middle of an upload continues it after its restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-states-'));
  const first = await startProcess(folder);
  let second: Awaited<ReturnType<typeof startProcess>> | undefined;
  try {
    const firstUrl = await upload(first.url, state, {
      chunkSize: 512 * 1024,
      breakOffAfterBytes: 1024 * 1024,
    });
    first.process.kill('SIGKILL');
    await first.ended;
    second = await startProcess(folder);
    const uploadUrl = firstUrl.replace(first.url, second.url);
    expect(await offsetOf(uploadUrl)).toBeGreaterThanOrEqual(1024 * 1024);
    await upload(second.url, state, { previous: previousUpload(uploadUrl, state.length) });
    const { id } = await publish(uploadUrl, digest);
    expect(await download(second.url, id)).toBe(digest);
  } finally {
    first.process.kill('SIGKILL');
    second?.process.kill('SIGKILL');
    await Promise.all([first.ended, second?.ended]);
    await rm(folder, { recursive: true, force: true });
  }
});

/** The server as in production, in a separate process. */
async function startProcess(
  folder: string,
): Promise<{ url: string; process: ChildProcess; ended: Promise<unknown> }> {
  // Not through tsx's own command, whose child would outlive it.
  const args = ['--import', 'tsx', main, '--port', '0', '--folder', folder];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => child.once('exit', done));
  let output = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    output += text;
    const url = /at (\S+)\n/.exec(output)?.[1];
    if (url) return { url, process: child, ended };
  }
  throw new Error(`The state server ended: ${output}`);
}
