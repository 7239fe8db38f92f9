/**
 * Writes the golden files of the format version that this tree writes:
 * `npx tsx e2e/support/golden-vmstate.ts` makes src/runtime/testing/states/vN.{vmstate,memory.gz,json}.
 *
 * Run it once, when a format version is released, and never again for it: a golden file is the real
 * output of that release. The pattern guest (tools/guests/pattern) is stopped in the middle of a
 * pass over its frame buffer. Its memory is stored beside the vmstate. So a test can load both into
 * a machine, check every dword, and resume the guest.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import xxhash from 'xxhash-wasm';
import { yieldToEventLoop } from '../../src/runtime/core/yield-to-event-loop.ts';
import { prepareRuntime } from '../../src/runtime/runtime.ts';
import { labHost } from '../../src/runtime/testing/lab-host.ts';
import { checkPattern } from '../../src/runtime/testing/pattern.ts';
import type { V86Runtime } from '../../src/runtime/v86-runtime.ts';
import { jsonSection } from '../../src/vmstate/sections.ts';
import { decodeVmstate, encodeVmstate, formatVersion } from '../../src/vmstate/vmstate.ts';

const { h64Raw } = await xxhash();
const root = join(import.meta.dirname, '../..');
const read = (path: string) => new Uint8Array(readFileSync(join(root, path)));
const packageDir = join(root, 'node_modules/v86');
const { version } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'));
const v86Version = String(version).replace(/\+.*/, '');

const shared = join(mkdtempSync(join(tmpdir(), 'holdfast-')), 'v86.wasm');
execFileSync(process.execPath, [
  join(root, 'tools/transform-wasm.mjs'),
  join(packageDir, 'build/v86.wasm'),
  shared,
]);
const wasm = readFileSync(shared);
globalThis.fetch = () =>
  Promise.resolve(new Response(wasm, { headers: { 'content-type': 'application/wasm' } }));

const images = {
  bios: read('public/firmware/seabios.bin'),
  vgaBios: read('public/firmware/vgabios.bin'),
  fda: read('public/guests/pattern/graphics.img'),
};
const options = { memoryMiB: 16, vgaMemoryMiB: 2 };
const host = labHost(images, options);
const { V86 } = await import(pathToFileURL(join(packageDir, 'build/libv86.mjs')).href);
const wasmUrl = 'https://golden.invalid/v86.wasm';
const prepared = await prepareRuntime(V86, v86Version, host, { wasmUrl, coldBoot: true });
const machine = prepared.boot() as V86Runtime;

/** Linear frame buffers begin at 0xe0000000; guest RAM ends far below. */
const inFrameBuffer = (address: number | null) => address !== null && address >= 2 ** 31;
let pattern = checkPattern(machine.commands.readMemory);
for (let steps = 0; ; steps++) {
  if (host.crash) throw new Error(`The runtime died: ${String(host.crash)}`);
  if (steps > 100_000) throw new Error('The pattern guest never reached its third pass.');
  machine.core.step();
  // Consoles and disks answer between the steps.
  await yieldToEventLoop();
  if (!host.serial.includes('pass 2') || steps % 10) continue;
  pattern = checkPattern(machine.commands.readMemory);
  if (!pattern.ok) throw new Error(pattern.reason);
  if (inFrameBuffer(pattern.edge)) break;
}

const runtimes = decodeVmstate(machine.save(), h64Raw);
const { config } = host;
const id = `golden-v${formatVersion}`;
const vmstate = encodeVmstate(
  [
    // The keeper's section, for a machine that exists only in this file.
    jsonSection('machine', {
      ...{ id, name: config.name, config: JSON.parse(JSON.stringify(config)) },
      ...{ runstate: 'paused', wasSuspended: false, mode: 'restart', cut: 'golden' },
      savedAtMs: Date.UTC(2026, 10, 23),
      runtime: { id, v86Version, url: `https://golden.invalid/${id}.js`, wasmUrl },
    }),
    jsonSection('blocks', {
      blocks: host.blocks.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
      placement: String(host.kept.get('runtime.placement')),
    }),
    ...runtimes,
    // A section that no build knows.
    {
      name: 'golden.unknown',
      version: 7,
      required: false,
      bytes: new TextEncoder().encode('to be kept'),
    },
  ],
  h64Raw,
);
const memory = ['pc.ram', 'vga.vram', 'vga.planes'].map((name) => {
  const block = host.blocks.find((candidate) => candidate.name === name);
  if (!block) throw new Error(`The host has no block "${name}".`);
  return {
    name,
    sizeBytes: block.sizeBytes,
    bytes: new Uint8Array(host.memory.buffer, block.address, block.sizeBytes),
  };
});
const manifest = {
  formatVersion,
  v86Version,
  guest:
    'public/guests/pattern/graphics.img in drive A, in the middle of a pass over its frame buffer',
  ...options,
  pass: pattern.pass,
  edge: pattern.edge,
  blocks: memory.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
};

const folder = join(root, 'src/runtime/testing/states');
mkdirSync(folder, { recursive: true });
const path = join(folder, `v${formatVersion}`);
writeFileSync(`${path}.vmstate`, vmstate, { flag: 'wx' });
writeFileSync(
  `${path}.memory.gz`,
  gzipSync(Buffer.concat(memory.map(({ bytes }) => bytes)), { level: 9 }),
);
writeFileSync(`${path}.json`, `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${path}.vmstate: ${vmstate.length} bytes`, manifest);
process.exit();
