import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedis } from '../../../tools/redis.mjs';

export interface RunningRedis {
  url: string;
  /** Kills it, and starts another one without its data at the same address. */
  restart(whileAway: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Starts a separate Redis server that nothing else can reach: it listens on a socket file. */
export async function startRedis(): Promise<RunningRedis> {
  const path = findRedis();
  if (!path) throw new Error('There is no redis-server.');
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-redis-'));
  const socket = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder];
  let child = await spawned(path, args, socket);
  return {
    url: socket,
    async restart(whileAway) {
      await killed(child);
      await rm(socket, { force: true });
      await whileAway();
      child = await spawned(path, args, socket);
    },
    async close() {
      await killed(child);
      if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function spawned(path: string, args: string[], socket: string): Promise<ChildProcess> {
  const child = spawn(path, args, { stdio: 'ignore' });
  const client = new Redis(socket, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => {});
  await client.ping();
  client.disconnect();
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
}
