import { join } from 'node:path';
import { register } from 'tsx/esm/api';
import { root } from './setup.mjs';

/**
 * The state server as the environment sets it, see server/options.ts.
 * @returns {Promise<import('../server/state-server.ts').StateServer>}
 */
export async function openStateServer() {
  register();
  const { createStateServer } = await import('../server/state-server.ts');
  const { readOptions } = await import('../server/options.ts');
  return createStateServer(readOptions([], process.env, { folder: join(root, 'states') }));
}
