import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const noRedis = 'Found no Redis: install redis-server, or put it into PATH.';

/**
 * @returns {string | undefined} the path of a Redis server
 */
export function findRedis() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  return folders.map((folder) => join(folder, 'redis-server')).find((path) => existsSync(path));
}
