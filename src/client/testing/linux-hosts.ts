/** For tests: hosts that share no Web Locks, in one process, with a real v86, Linux and WebSockets. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { labFirmware, loadLabRuntime, projectFile } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { Keeper } from '../../keeper/keeper.ts';
import { RuntimeLoader } from '../../keeper/runtimes/runtime-loader.ts';
import { abiVersion, type RuntimeModule } from '../../protocol/abi.ts';
import { setBaseUrl } from '../../protocol/base-url.ts';
import { defaultConfig, type MachineConfig } from '../../protocol/config.ts';
import type { MigrateReport } from '../../protocol/migration.ts';
import { prepareRuntime } from '../../runtime/runtime.ts';
import type { Machine } from '../types.ts';
import { attachedMachine } from './attached-machine.ts';

export const site = 'https://site.test/';

const url = (name: string) => ({ url: site + name });
const linux: MachineConfig = {
  ...defaultConfig,
  name: 'Linux',
  memoryMiB: 96,
  bios: url('bios'),
  vgaBios: url('vgaBios'),
  bzImage: url('bzImage'),
  initrd: url('initrd'),
  cmdline: 'console=ttyS0 quiet tsc=reliable mitigations=off',
};

export interface LinuxHosts {
  /** A keeper without a guest. */
  open(instanceId: string): Promise<Machine>;
  start(machine: Machine, config?: Partial<MachineConfig>): Promise<void>;
  /** Moves the guest over a WebSocket. @param base root of the destination's site */
  move(from: Machine, to: Machine, base: string): Promise<MigrateReport>;
  close(): Promise<void>;
}

/** @param others answers requests that are not for files of the site */
export async function linuxHosts(
  timeoutMs: number,
  others: (url: string) => Response | undefined = () => undefined,
): Promise<LinuxHosts> {
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
    if (bytes) return new Response(bytes, { headers: { 'content-type': 'application/wasm' } });
    return others(asked) ?? new Response(null, { status: 404 });
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
  const closing: (() => unknown)[] = [() => vi.unstubAllGlobals()];
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  closing.unshift(() => server.close());
  await once(server, 'listening');
  setBaseUrl(site);
  return {
    async open(instanceId) {
      const identity = { instanceId, survivesPages: false, startedAtMs: 0 };
      const keeper = new Keeper(identity, { loader: new RuntimeLoader(async () => module) });
      const { machine, close } = await attachedMachine(keeper, { runtimes: [runtime] });
      closing.unshift(close);
      return machine;
    },
    async start(machine, config = {}) {
      await machine.start({ ...linux, ...config }, runtime);
      await machine.console().waitFor(/holdfast:~# /, { timeoutMs });
    },
    async move(from, to, base) {
      const connected = once(server, 'connection');
      const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const leaving = from.migrate(socket, { downtimeLimitMs: timeoutMs });
      const [far] = await connected;
      setBaseUrl(base);
      const arriving = to.migrateIncoming(far, { approve: () => true });
      const [report] = await Promise.all([leaving, arriving]);
      return report;
    },
    async close() {
      for (const close of closing.splice(0)) await close();
    },
  };
}
