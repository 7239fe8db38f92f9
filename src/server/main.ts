/**
 * The standalone state server: `npm run state-server -- [--port N] [--host NAME] [--folder DIR] …`;
 * `--help` lists the settings.
 */
import { createServer } from 'node:http';
import { readListening } from './listening.ts';
import { readOptions, settings, variableOf } from './options.ts';
import { createStateServer } from './state-server.ts';

const args = process.argv.slice(2);
if (args.includes('--help')) {
  console.log('--port N (PORT), default 8087\n--host NAME (HOST), default 127.0.0.1');
  for (const [name, { value, help }] of Object.entries(settings)) {
    console.log(`--${name} (${variableOf(name)}), default ${value || 'none'}: ${help}`);
  }
} else {
  await run().catch(refuse);
}

/** Reports an invalid setting in one sentence. */
function refuse(thrown: unknown): void {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  console.error(
    `${/^.*?[^.](?:\.(?=\s|$)|$)/.exec(message)?.[0] ?? message} --help lists the settings.`,
  );
  process.exitCode = 2;
}

async function run(): Promise<void> {
  const { port, host, others } = readListening(args, process.env);
  const states = await createStateServer(readOptions(others, process.env));
  const server = createServer((request, response) => void states.handle(request, response));
  server.on('upgrade', (request, stream, head) => void states.upgrade(request, stream, head));
  states.limit(server);
  server.once('error', (error) => {
    states.close();
    refuse(new Error(`Port ${port} of ${host} cannot be listened on: ${error.message}.`));
  });
  server.listen(port, host, () => {
    const address = server.address();
    const taken = typeof address === 'object' && address ? address.port : port;
    console.log(`State server at http://${host}:${taken}/states/`);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      states.close();
      server.close();
      server.closeAllConnections();
    });
  }
}
