import { join } from 'node:path';
import { register } from 'tsx/esm/api';
import { root } from './setup.mjs';

/**
 * Opens the state server with the options in the environment, see src/server/options.ts.
 * @returns {Promise<import('../src/server/state-server.ts').StateServer>}
 */
export async function openStateServer() {
  register();
  const { createStateServer } = await import('../src/server/state-server.ts');
  const { readOptions } = await import('../src/server/options.ts');
  return createStateServer(readOptions([], process.env, { folder: join(root, 'states') }));
}
