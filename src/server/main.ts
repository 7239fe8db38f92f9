/**
 * The state server by itself: `npm run state-server -- [--port N] [--host NAME] [--folder DIR] …`;
 * `--help` lists what can be set.
 */
import { createServer } from 'node:http';
import { readOptions, settings, variableOf } from './options.ts';
import { createStateServer } from './state-server.ts';

const args = process.argv.slice(2);
if (args.includes('--help')) {
  console.log('--port N (PORT), default 8087\n--host NAME (HOST), default 127.0.0.1');
  for (const [name, { value, help }] of Object.entries(settings)) {
    console.log(`--${name} (${variableOf(name)}), default ${value || 'none'}: ${help}`);
  }
} else {
  await run();
}

async function run(): Promise<void> {
  const take = (name: string) => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args.splice(at, 2)[1];
  };
  const port = Number(take('--port') ?? process.env.PORT ?? 8087);
  const host = take('--host') ?? process.env.HOST ?? '127.0.0.1';
  const states = await createStateServer(readOptions(args, process.env));
  const server = createServer((request, response) => void states.handle(request, response));
  states.limit(server);
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
