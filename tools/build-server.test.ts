import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepStates, residentMiB } from '../src/server/testing/kept-states.ts';
import { type ServerProcess, startProcess } from '../src/server/testing/process.ts';
import { startProxy } from '../src/server/testing/proxy.ts';
import { randomState, sha256, share } from '../src/server/testing/server.ts';
import { holdSlowClients, type SlowClients } from '../src/server/testing/slow-clients.ts';
import { buildServer } from './build-server.mjs';
import { root } from './setup.mjs';

let folder: string;
let installed: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-install-'));
  installed = join(folder, 'server');
  expect(buildServer(join(folder, 'built'))).toBe(true);
  // As in a deployment: the build is copied to its final place, and installs its dependencies
  // there.
  cpSync(join(folder, 'built'), installed, { recursive: true });
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm ? [process.execPath, npm] : ['npm'];
  const ci = [...args, 'ci', '--omit=dev', '--omit=optional', '--prefer-offline'];
  const { status, stderr } = spawnSync(command, ci, { cwd: installed, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ci failed: ${stderr}`);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('an installed server starts, takes a state and serves it', async () => {
  let server: ServerProcess | undefined;
  try {
    server = await startProcess(
      { folder: installed },
      { args: ['--folder', join(folder, 'states')] },
    );
    const bytes = randomState(100_000);
    const { id } = await share(server.url, bytes);
    const response = await fetch(new URL(id, server.url));
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(id);
  } finally {
    await server?.kill();
  }
});

test('an installed server keeps, holds and answers what its documentation says, in no more memory', async () => {
  const documented =
    /keeps ([\d,]+) states .*?holds (\d+) slow clients.*?needs\s+at\s+most\s+(\d+) MiB/s;
  const text = readFileSync(join(installed, 'README.md'), 'utf8');
  const [kept = 0, slow = 0, mostMiB = 0] = (documented.exec(text) ?? [])
    .slice(1)
    .map((figure) => Number(figure.replace(',', '')));
  expect(kept).toBeGreaterThan(0);
  const states = join(folder, 'many-states');
  await keepStates(states, kept);
  const args = ['--folder', states, '--behind-proxy', '1', '--requests-per-minute', '10000'];
  const server = await startProcess({ folder: installed }, { args });
  const proxy = await startProxy(() => server.url);
  let clients: SlowClients | undefined;
  try {
    // More than the buffers on the way to a slow client hold.
    const { id } = await share(proxy.url, randomState(8 * 1024 * 1024));
    const small = await share(proxy.url, randomState(64 * 1024));
    clients = await holdSlowClients(proxy.url, id, slow);
    for (let round = 0; round < 50; round++) {
      const reads = Array.from({ length: 8 }, async () => {
        const response = await fetch(new URL(small.id, proxy.url));
        return (await response.arrayBuffer()).byteLength;
      });
      expect(await Promise.all(reads)).toEqual(reads.map(() => 64 * 1024));
    }
    expect(clients.held).toBe(slow);
    expect(await residentMiB(server)).toBeLessThan(mostMiB);
  } finally {
    clients?.end();
    await proxy.close();
    await server.kill();
  }
}, 120_000);

test('an installation has JavaScript and what it needs, and nothing that only tests use', () => {
  const files = readdirSync(installed);
  expect(files.filter((name) => name.endsWith('.ts'))).toEqual([]);
  expect(files).toContain('LICENSE');
  const packages = readdirSync(join(installed, 'node_modules'));
  expect(packages).toContain('ipaddr.js');
  for (const name of ['s3rver', 'tsx', 'typescript', 'vitest', 'vite', 'v86']) {
    expect(packages).not.toContain(name);
  }
});

test('the image and the unit name files that the build has', () => {
  const read = (name: string) => readFileSync(join(installed, name), 'utf8');
  expect(read('Dockerfile')).toContain('"main.js"');
  expect(read('holdfast-states.service')).toContain('/main.js');
  for (const name of ['main.js', 'package.json', 'package-lock.json', '.npmrc']) {
    expect(existsSync(join(installed, name))).toBe(true);
  }
  // No file of an installation contains this path.
  expect(read('main.js')).not.toContain(root);
});
