import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedis } from '../../../tools/redis.mjs';

export interface RunningRedis {
  url: string;
  close(): Promise<void>;
}

/** A Redis server of its own, that nothing else can reach: it listens at a socket file. */
export async function startRedis(): Promise<RunningRedis> {
  const path = findRedis();
  if (!path) throw new Error('There is no redis-server.');
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-redis-'));
  const socket = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder];
  const child: ChildProcess = spawn(path, args, { stdio: 'ignore' });
  const ended = new Promise((done) => child.once('exit', done));
  const client = new Redis(socket, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => {});
  await client.ping();
  client.disconnect();
  return {
    url: socket,
    async close() {
      child.kill('SIGKILL');
      await ended;
      if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
    },
  };
}
