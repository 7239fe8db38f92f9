/**
 * `npm start`: installs and builds missing or outdated parts, then serves the site. The port is 8086, or
 * `PORT`. The state server is under `/states/`. `HOLDFAST_STATES_…` configure the state server, see
 * src/server/options.ts.
 */
import { join } from 'node:path';
import { readPort } from './port.mjs';
import { ensureBuild, ensurePackages, root } from './setup.mjs';

let port = 8086;
try {
  if (process.env.PORT) port = readPort(process.env.PORT, 'PORT');
  ensurePackages();
  ensureBuild();
  // Imported only now: its dependencies are in node_modules.
  const { serveSite } = await import('./serve.mjs');
  const { openStateServer } = await import('./state-server.mjs');
  const states = await openStateServer();
  const { url } = await serveSite({ root: join(root, 'dist'), port, states });
  console.log(`\nHoldfast is at ${url} (Ctrl+C stops)`);
} catch (error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  const text =
    code === 'EADDRINUSE'
      ? `Port ${port} is taken. Choose another: PORT=${port + 1} npm start`
      : message;
  console.error(`\n${text}`);
  process.exitCode = 1;
}
