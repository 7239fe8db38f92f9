import dns from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Reached } from '../../protocol/reach.ts';
import type { StateFileInfo } from '../../state-file/types.ts';
import { fetchFiles } from './file-fetch.ts';
import { guardedHosts, guardHost, guardLookups, isGuarded } from './guarded-hosts.ts';
import { requirePublic } from './public-hosts.ts';

/** A name for this computer, and for these tests an address on the internet. */
const publicAddress = '127.0.0.2';
const privateAddress = '127.0.0.1';
vi.mock('./public-address.ts', async (original) => {
  const { isPublicAddress } = await original<typeof import('./public-address.ts')>();
  return {
    isPublicAddress: (address: string) => address === '127.0.0.2' || isPublicAddress(address),
  };
});
const { fetch } = globalThis;

let server: Server;
let port: number;
let asked: string[];
/** Addresses of each name, in the order of its lookups. The last one repeats. */
let addresses: Record<string, string[]>;
let unguard: () => void;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.socket.localAddress} ${request.url}`);
    if (request.url?.startsWith('/to/'))
      response.writeHead(302, { location: decodeURIComponent(request.url.slice(4)) }).end();
    else response.end('secret');
  });
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  ({ port } = server.address() as AddressInfo);
  vi.spyOn(dns, 'lookup').mockImplementation(((
    host: string,
    options: dns.LookupOptions,
    callback: (error: null, address: unknown, family?: number) => void,
  ) => {
    const left = addresses[host] ?? [];
    const address = (left.length > 1 ? left.shift() : left[0]) ?? publicAddress;
    if (options.all) callback(null, [{ address, family: 4 }]);
    else callback(null, address, 4);
  }) as never);
  unguard = guardLookups();
  fetchFiles();
});

afterEach(() => {
  globalThis.fetch = fetch;
  unguard();
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
});

const runtime = { id: 'r', v86Version: '1', url: 'file:///r', wasmUrl: 'file:///w' };
const openingOf = (url: string) => {
  const urls = [{ purpose: 'hda', url, isSameOrigin: false }] as unknown as Reached[];
  return requirePublic({ urls } as unknown as StateFileInfo, { runtime, approve: () => true });
};

test('[3] a name that leads to a public address when checked, and to this computer later, is not fetched', async () => {
  const url = `http://rebinds.test:${port}/disk`;
  // The check looks it up, then asks where it redirects to.
  addresses = { 'rebinds.test': [publicAddress, publicAddress, privateAddress] };
  await openingOf(url);
  await expect(globalThis.fetch(url)).rejects.toThrow();
  await expect(globalThis.fetch(url, { headers: { range: 'bytes=0-511' } })).rejects.toThrow();
  expect(asked).toEqual([`HEAD ${publicAddress} /disk`]);
});

test('[3] nor does the check itself ask it', async () => {
  addresses = { 'early.test': [publicAddress, privateAddress] };
  await openingOf(`http://early.test:${port}/disk`);
  expect(asked).toEqual([]);
});

test('[3] nor is what it redirects to fetched, by name or by number', async () => {
  for (const target of [`http://${privateAddress}:${port}/x`, `http://other.test:${port}/x`]) {
    asked = [];
    addresses = { 'other.test': [privateAddress] };
    const path = `/to/${encodeURIComponent(target)}`;
    const url = `http://first.test:${port}${path}`;
    guardHost('first.test');
    await expect(globalThis.fetch(url), target).rejects.toThrow();
    expect(asked).toEqual([`GET ${publicAddress} ${path}`]);
  }
});

test('[3] a redirect to what is on the internet is followed, as fetch does', async () => {
  guardHost('first.test');
  const target = encodeURIComponent(`http://second.test:${port}/x`);
  const response = await globalThis.fetch(`http://first.test:${port}/to/${target}`);
  expect(await response.text()).toBe('secret');
  expect(isGuarded('second.test')).toBe(true);
});

test('[3] names that no state has named are left alone', async () => {
  addresses = { 'own.test': [privateAddress] };
  expect(await (await globalThis.fetch(`http://own.test:${port}/mine`)).text()).toBe('secret');
  expect(isGuarded('own.test')).toBe(false);
});

test('[3] the threads of machines know the hosts', async () => {
  const url = JSON.stringify(`http://localhost:${port}/`);
  const script = `data:text/javascript,fetch(${url}).then(() => postMessage('fetched'), ({ cause }) => postMessage(String(cause)))`;
  const workerModule = new URL('./worker.ts', import.meta.url).href;
  const said = () =>
    new Promise((done, fail) => {
      // As a thread of the package, whose module is JavaScript.
      const thread = new Worker(
        `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(workerModule)})));`,
        { eval: true, workerData: { script, guardedHosts } },
      );
      thread.once('error', fail).once('message', (message) => {
        void thread.terminate();
        done(message);
      });
    });
  expect(await said()).toBe('fetched');
  guardHost('localhost');
  expect(await said()).toContain('own network');
}, 60_000);
