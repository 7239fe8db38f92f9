/** Finds a v86 among the npm packages, for tests that run it in Node. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');

/** Takes some two seconds: the wasm is transformed as for a build. */
export async function loadLabRuntime(packageName: string) {
  const build = join(root, 'node_modules', packageName, 'build');
  const out = join(mkdtempSync(join(tmpdir(), 'holdfast-')), 'v86.wasm');
  execFileSync(process.execPath, [
    join(root, 'tools/transform-wasm.mjs'),
    join(build, 'v86.wasm'),
    out,
  ]);
  const { V86 } = await import(pathToFileURL(join(build, 'libv86.mjs')).href);
  return { name: packageName, V86, wasm: readFileSync(out) };
}

/** Reads a file of the project. */
export const projectFile = (path: string) => new Uint8Array(readFileSync(join(root, path)));

/** Firmware that a PC boots with. */
export const labFirmware = {
  bios: projectFile('public/firmware/seabios.bin'),
  vgaBios: projectFile('public/firmware/vgabios.bin'),
};

/** A PC with as few devices as possible. */
export const bareMachine = {
  memoryMiB: 16,
  network: 'none',
  filesystem9p: false,
  virtioConsole: false,
} as const;
