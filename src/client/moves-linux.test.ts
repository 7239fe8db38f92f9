/** A Linux guest moves between hosts, with a real v86 and real WebSockets. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { labFirmware, loadLabRuntime, projectFile } from '../../tools/lab-runtime.ts';
import { v86Packages } from '../../tools/v86-versions.ts';
import { Keeper } from '../keeper/keeper.ts';
import { RuntimeLoader } from '../keeper/runtimes/runtime-loader.ts';
import { abiVersion, type RuntimeModule } from '../protocol/abi.ts';
import { setBaseUrl } from '../protocol/base-url.ts';
import { defaultConfig, type MachineConfig } from '../protocol/config.ts';
import { prepareRuntime } from '../runtime/runtime.ts';
import { attachedMachine } from './testing/attached-machine.ts';
import type { Machine } from './types.ts';

const site = 'https://site.test/';
/** Files of a program in Node, which has no kernel. */
const program = 'file:///opt/program/';
const timeoutMs = 120_000;

const url = (name: string) => ({ url: site + name });
const config: MachineConfig = {
  ...defaultConfig,
  name: 'Linux',
  memoryMiB: 96,
  bios: url('bios'),
  vgaBios: url('vgaBios'),
  bzImage: url('bzImage'),
  initrd: url('initrd'),
  cmdline: 'console=ttyS0 quiet tsc=reliable mitigations=off',
};

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  vi.unstubAllGlobals();
});

const numbersIn = (text: string) => [...text.matchAll(/<(\d+)>/g)].map(([, one]) => Number(one));

test('[MI1] [MH1] a shell that counts loses and repeats no line over three hosts', {
  timeout: 2 * timeoutMs,
}, async () => {
  const lab = await loadLabRuntime(v86Packages[0] as string);
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    ...labFirmware,
    bzImage: projectFile('public/guests/linux/bzImage'),
    initrd: projectFile('public/guests/linux/initrd.lz4'),
    'v86.wasm': lab.wasm,
  };
  // Two hosts share no Web Locks.
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('fetch', async (asked: string) => {
    const bytes = asked.startsWith(site) ? files[asked.slice(site.length)] : undefined;
    const headers = { 'content-type': 'application/wasm' };
    return bytes ? new Response(bytes, { headers }) : new Response(null, { status: 404 });
  });
  const runtime = {
    id: lab.name,
    v86Version: lab.name,
    url: `${site}runtime.js`,
    wasmUrl: `${site}v86.wasm`,
  };
  const module: RuntimeModule = {
    abiVersion,
    v86Version: lab.name,
    prepare: (host, request) => prepareRuntime(lab.V86, lab.name, host, request),
  };
  const host = async (instanceId: string): Promise<Machine> => {
    const identity = { instanceId, survivesPages: false, startedAtMs: 0 };
    const keeper = new Keeper(identity, { loader: new RuntimeLoader(async () => module) });
    const { machine, close } = await attachedMachine(keeper, { runtimes: [runtime] });
    closing.push(close);
    return machine;
  };
  const [first, second, third] = [await host('a'), await host('b'), await host('c')];
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  closing.push(() => server.close());
  await once(server, 'listening');
  const move = async (from: Machine, to: Machine, base: string) => {
    const connected = once(server, 'connection');
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const leaving = from.migrate(socket, { downtimeLimitMs: timeoutMs });
    const [far] = await connected;
    setBaseUrl(base);
    await Promise.all([leaving, to.migrateIncoming(far)]);
    expect(to.status).toMatchObject({
      runstate: 'running',
      config: { bios: { url: `${base}bios` } },
    });
  };

  setBaseUrl(site);
  await first.start(config, runtime);
  await first.console().waitFor(/holdfast:~# /, { timeoutMs });
  await first.console().write('stty -echo; head -c 3000000 /dev/urandom >f; md5sum f >sum\n');
  await first.console().write('i=0; while :; do i=$((i+1)); echo "<$i>"; usleep 2000; done\n');
  await first.console().waitFor(/<50>/, { timeoutMs });
  await move(first, second, program);
  const arrived = numbersIn(second.console().text(0)).at(-1) ?? 0;
  await second.console().waitFor(new RegExp(`<${arrived + 50}>`), { timeoutMs });
  await move(second, third, site);
  const console = third.console();
  await console.waitFor(/<\d+>/, { from: console.end, timeoutMs });
  const { end } = console;
  await console.write('\u0003');
  await console.waitFor(/# $/, { from: end, timeoutMs });
  await console.write('md5sum -c sum\n');
  await console.waitFor(/f: OK/, { from: end, timeoutMs });
  const numbers = numbersIn(console.text(0));
  expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  expect(numbers.length).toBeGreaterThan(arrived + 50);
});
