import { execFileSync, fork, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockFaults, locks } from './audit.mjs';
import { root } from './setup.mjs';

const registry = 'https://registry.example/';
const sound = { version: '1.0.0', integrity: 'sha512-AAAA' };

test('an entry without a digest, or from elsewhere, is a fault of a lock file', () => {
  const packages = {
    '': {},
    'node_modules/sound': sound,
    'node_modules/ours': { ...sound, resolved: `${registry}ours/-/ours-1.0.0.tgz` },
    'node_modules/weak': { integrity: 'sha1-AAAA' },
    'node_modules/none': {},
    'node_modules/far': { ...sound, resolved: 'git+ssh://git@far.example/far.git' },
    'node_modules/near': { ...sound, resolved: 'https://registry.example.evil/near.tgz' },
  };
  expect(lockFaults({ packages }, registry)).toEqual([
    'node_modules/weak has no SHA-512 digest',
    'node_modules/none has no SHA-512 digest',
    'node_modules/far comes from git+ssh://git@far.example/far.git',
    'node_modules/near comes from https://registry.example.evil/near.tgz',
  ]);
});

let folder: string;
let server: Server;
let answer: (path: string) => { status: number; body: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-audit-'));
  const package_ = { name: 'audited', version: '1.0.0', dependencies: { leaky: '1.0.0' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(package_));
  const packages = { '': package_, 'node_modules/leaky': sound };
  const lock = { name: 'audited', version: '1.0.0', lockfileVersion: 3, packages };
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  server = createServer((request, response) => {
    const { status, body } = answer(request.url ?? '');
    request.resume().on('end', () => response.writeHead(status).end(body));
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/**
 * Runs the audit in another process: it waits for npm, which sends requests to this one's server.
 */
function audit(): Promise<unknown> {
  const { port } = server.address() as AddressInfo;
  const script = `
    import { advisories } from ${JSON.stringify(join(root, 'tools/audit.mjs'))};
    process.send(advisories(${JSON.stringify(folder)}, 'high'));
  `;
  const path = join(folder, 'audit.mjs');
  writeFileSync(path, script);
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_fetch_retries: '0',
    npm_config_cache: join(folder, 'cache'),
  };
  return new Promise((done) => fork(path, { env, execArgv: [] }).once('message', done));
}

test('an advisory of the registry fails the check', async () => {
  const advisory = {
    id: 1,
    url: 'https://advisories.example/1',
    title: 'It leaks',
    severity: 'high',
    vulnerable_versions: '<2.0.0',
    cwe: [],
    cvss: { score: 8, vectorString: null },
  };
  const versions = { '1.0.0': { name: 'leaky', version: '1.0.0', dist: {} } };
  const leaky = { name: 'leaky', 'dist-tags': { latest: '1.0.0' }, versions };
  answer = (path) =>
    path.includes('advisories/bulk')
      ? { status: 200, body: JSON.stringify({ leaky: [advisory] }) }
      : { status: 200, body: JSON.stringify(leaky) };
  expect(await audit()).toEqual({ faults: ['leaky * is known to be unsafe (high)'] });
});

test('a registry that does not answer fails nothing, and the check reports it', async () => {
  answer = () => ({ status: 405, body: '' });
  expect(await audit()).toEqual({ faults: [], unknown: expect.stringContaining('405') });
});

test('every lock file is audited', () => {
  const list = ['ls-files', '*package-lock.json'];
  const found = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  expect(locks.map(({ path }) => path).sort()).toEqual(found.sort());
});

// npm reads the .npmrc of the folder that it installs to, and of no folder above it.
test.each(locks)('an installation by $path runs no scripts of packages', ({ path }) => {
  const { stdout } = spawnSync('npm', ['config', 'get', 'ignore-scripts'], {
    cwd: dirname(join(root, path)),
    encoding: 'utf8',
    env: { ...process.env, npm_config_ignore_scripts: undefined },
    shell: process.platform === 'win32',
  });
  expect(stdout.trim()).toBe('true');
});

test('the server installs the versions that its tests ran with', () => {
  const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
  const { dependencies, optionalDependencies } = read('server/package.json');
  expect({ ...read('package.json').devDependencies }).toMatchObject({
    ...dependencies,
    ...optionalDependencies,
  });
});
