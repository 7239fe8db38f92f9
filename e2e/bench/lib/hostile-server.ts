/**
 * Measures the state server beside slow clients: how many it holds, how many requests it answers
 * beside them, and its memory. The server runs as it is installed, in a separate process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepStates, residentMiB } from '../../../src/server/testing/kept-states.ts';
import { builtServer, startProcess } from '../../../src/server/testing/process.ts';
import { startProxy } from '../../../src/server/testing/proxy.ts';
import { randomState, share } from '../../../src/server/testing/server.ts';
import { holdSlowClients } from '../../../src/server/testing/slow-clients.ts';
import type { Metrics } from './report.ts';

const slowClients = 200;
const readers = 8;
const measureMs = 10_000;
const keptStates = 10_000;

/** Measures "serverSlowClients", "serverRps" and the related metrics. */
export async function measureServer(): Promise<Metrics> {
  const built = builtServer();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-states-'));
  try {
    await keepStates(folder, keptStates);
    const server = await startProcess(built, {
      args: ['--folder', folder, '--behind-proxy', '1', '--requests-per-minute', '10000000'],
    });
    const proxy = await startProxy(() => server.url);
    try {
      const { id } = await share(proxy.url, randomState(8 * 1024 * 1024));
      const small = await share(proxy.url, randomState(64 * 1024));
      const restingMiB = await residentMiB(server);
      const alone = await requestsPerSecond(new URL(small.id, server.url));
      const slow = await holdSlowClients(proxy.url, id, slowClients);
      const beside = await requestsPerSecond(new URL(small.id, server.url));
      const heldMiB = await residentMiB(server);
      const { held } = slow;
      slow.end();
      return {
        serverSlowClients: held,
        serverRps: beside,
        serverRpsAlone: alone,
        serverStates: keptStates,
        serverRestingMiB: restingMiB,
        serverHeldMiB: heldMiB,
      };
    } finally {
      await proxy.close();
      await server.kill();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    built.remove();
  }
}

/** Reads of a state of 64 KiB, from start to end. */
async function requestsPerSecond(url: URL): Promise<number> {
  const began = performance.now();
  const until = began + measureMs;
  let answered = 0;
  const read = async () => {
    while (performance.now() < until) {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      await response.arrayBuffer();
      answered++;
    }
  };
  await Promise.all(Array.from({ length: readers }, read));
  return answered / ((performance.now() - began) / 1000);
}
