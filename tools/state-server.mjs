import { join } from 'node:path';
import { register } from 'tsx/esm/api';
import { root } from './setup.mjs';

/**
 * The state server as the environment sets it, see src/server/options.ts.
 * @returns {Promise<import('../src/server/state-server.ts').StateServer>}
 */
export async function openStateServer() {
  register();
  const { createStateServer } = await import('../src/server/state-server.ts');
  const { readOptions } = await import('../src/server/options.ts');
  return createStateServer(readOptions([], process.env, { folder: join(root, 'states') }));
}
