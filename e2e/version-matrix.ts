/**
 * `npm run test:matrix`: moves one running Linux guest through every v86 on npm since 0.5.303, down and
 * up again. It prints which can take over from which.
 *
 * With `-- --jumps` it moves from the newest to each of the others and back. Runs in Node, without a
 * browser. Packages are downloaded once, to node_modules/.cache.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepareRuntime } from '../src/runtime/runtime.ts';
import { type LabHost, labHost } from '../src/runtime/testing/lab-host.ts';
import type { V86Runtime } from '../src/runtime/v86-runtime.ts';
import { prompt } from './support/linux-guest.ts';

const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules/.cache/holdfast/versions');
const first = '0.5.303';

interface Version {
  name: string;
  V86: Parameters<typeof prepareRuntime>[0];
  wasm: Buffer<ArrayBuffer>;
}

const byNumber = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });

function published(): string[] {
  const all = JSON.parse(
    execFileSync('npm', ['view', 'v86', 'versions', '--json'], { encoding: 'utf8' }),
  ) as string[];
  return all.filter((version) => byNumber(version, first) >= 0).sort(byNumber);
}

async function fetchVersion(name: string): Promise<Version> {
  const folder = join(cache, name);
  const build = join(folder, 'package/build');
  if (!existsSync(join(build, 'v86.wasm'))) {
    mkdirSync(folder, { recursive: true });
    const [{ filename }] = JSON.parse(
      execFileSync('npm', ['pack', `v86@${name}`, '--json', '--pack-destination', folder], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ) as [{ filename: string }];
    const files = ['package/build/libv86.mjs', 'package/build/v86.wasm'];
    execFileSync('tar', ['xzf', join(folder, filename), '-C', folder, ...files]);
    rmSync(join(folder, filename));
  }
  // Not kept: the transform may have changed since.
  const shared = join(folder, 'shared.wasm');
  execFileSync(process.execPath, [
    join(root, 'tools/transform-wasm.mjs'),
    join(build, 'v86.wasm'),
    shared,
  ]);
  const module = await import(pathToFileURL(join(build, 'libv86.mjs')).href);
  return { name, V86: module.V86, wasm: readFileSync(shared) };
}

const read = (path: string) => new Uint8Array(readFileSync(join(root, 'public', path)));

function prepare(host: LabHost, version: Version, coldBoot: boolean) {
  globalThis.fetch = () =>
    Promise.resolve(
      new Response(version.wasm, { headers: { 'content-type': 'application/wasm' } }),
    );
  return prepareRuntime(version.V86, version.name, host, {
    wasmUrl: `https://matrix.invalid/${version.name}.wasm`,
    coldBoot,
  });
}

/** Runs the guest until it has written `pattern` to its serial console. */
async function waitFor(host: LabHost, pattern: RegExp, seconds = 60): Promise<RegExpMatchArray> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const match = host.serial.match(pattern);
    if (match) return match;
    if (host.crash) throw new Error(`the emulator died: ${host.crash}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(
    `no ${pattern} within ${seconds} s; the console ends with ${JSON.stringify(host.serial.slice(-200))}`,
  );
}

const type = (machine: V86Runtime, text: string) =>
  machine.commands.consoleInput('serial0', new TextEncoder().encode(text));

/** Checks that the shell answers, and that the loop in the background kept counting. */
async function check(host: LabHost, machine: V86Runtime, after: number): Promise<number> {
  // The loop empties the file before it writes: an answer without a number proves nothing.
  for (;;) {
    host.serial = '';
    type(machine, 'echo "<$MARK $(cat /tmp/count)>"\n');
    const [, answer] = await waitFor(host, /<still-here (\d*)>/);
    if (!answer) continue;
    if (Number(answer) <= after) throw new Error(`the background loop stands at ${answer}`);
    return Number(answer);
  }
}

const guest = JSON.parse(readFileSync(join(root, 'public/guests/linux/guest.json'), 'utf8'));
const loop =
  'MARK=still-here; (n=0; while usleep 20000; do n=$((n+1)); echo $n > /tmp/count; done) &\nuntil [ -s /tmp/count ]; do usleep 10000; done\n';
const newHost = () =>
  labHost(
    {
      bios: read('firmware/seabios.bin'),
      vgaBios: read('firmware/vgabios.bin'),
      bzImage: read(`guests/linux/${guest.bzimage}`),
      initrd: read(`guests/linux/${guest.initrd}`),
    },
    { cmdline: guest.cmdline },
  );
let host = newHost();

const names = published().reverse();
const [newest = first] = names;
console.log(`${names.length} versions of v86, ${names.at(-1)} to ${newest}`);

let machine!: V86Runtime;
let count: number;
let from = newest;

/** A new guest on the newest v86, with something to lose. */
async function bootNewest(): Promise<void> {
  host = newHost();
  machine = (await prepare(host, await fetchVersion(newest), true)).boot() as V86Runtime;
  machine.run();
  await waitFor(host, prompt);
  type(machine, loop);
  count = await check(host, machine, -1);
  from = newest;
}

/** Hands the guest over to `name`. @returns the reason if it failed. */
async function handOverTo(name: string): Promise<string | undefined> {
  machine.stop();
  try {
    const prepared = await prepare(host, await fetchVersion(name), false);
    const state = machine.save();
    machine.park();
    const next = prepared.load(state) as V86Runtime;
    next.run();
    machine.destroy();
    machine = next;
    count = await check(host, machine, count);
    from = name;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const failures: string[] = [];
let passed = 0;
await bootNewest();
const chain = [...names.slice(1), ...names.slice(0, -1).reverse()];
const jumps = names.slice(1).flatMap((name) => [name, newest]);
for (const name of process.argv.includes('--jumps') ? jumps : chain) {
  const step = `${from} -> ${name}`;
  const failure = await handOverTo(name);
  if (failure) {
    failures.push(`${step}: ${failure}`);
    machine.stop();
    await bootNewest();
  } else {
    passed++;
  }
  console.log(failure ? `FAILED ${step}: ${failure}` : `${step}: the guest continues`);
}
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
