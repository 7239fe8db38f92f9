/** Every released format version, loaded into the guest that it was taken from. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { labFirmware, loadLabRuntime, projectFile } from '../../tools/lab-runtime.ts';
import { v86Packages } from '../../tools/v86-versions.ts';
import { formatMigrations, sectionMigrations } from '../vmstate/migrations.ts';
import { sectionVersions } from '../vmstate/sections.ts';
import { decodeValue, encodeValue } from '../vmstate/value.ts';
import { decodeVmstate, encodeVmstate, formatVersion } from '../vmstate/vmstate.ts';
import { yieldToEventLoop } from './core/yield-to-event-loop.ts';
import { labHost } from './testing/lab-host.ts';
import { type LabRuntime, prepareLab } from './testing/lab-runtime.ts';
import { checkPattern } from './testing/pattern.ts';
import type { V86Runtime } from './v86-runtime.ts';

const { h64Raw: digest } = await xxhash();
/** The file that e2e/support/golden-vmstate.ts writes beside a vmstate. */
interface Manifest {
  memoryMiB: number;
  vgaMemoryMiB: number;
  pass: number;
  edge: number;
  blocks: { name: string; sizeBytes: number }[];
}

const states = join(import.meta.dirname, 'testing/states');
const versions = readdirSync(states)
  .filter((file) => file.endsWith('.vmstate'))
  .map((file) => Number(/\d+/.exec(file)?.[0]))
  .sort((a, b) => a - b);

const golden = (version: number) => ({
  vmstate: projectFile(`src/runtime/testing/states/v${version}.vmstate`),
  manifest: JSON.parse(readFileSync(join(states, `v${version}.json`), 'utf8')) as Manifest,
  memory: () =>
    new Uint8Array(gunzipSync(projectFile(`src/runtime/testing/states/v${version}.memory.gz`))),
});

/** Returns the names of the migrations that reading `vmstate` applies. */
function migrationsOf(vmstate: Uint8Array): string[] {
  const names: string[] = [];
  decodeVmstate(vmstate, digest, (name) => names.push(name));
  return names;
}

describe('migrations', () => {
  it('[MG3] there is a golden file of every format version', () => {
    expect(versions).toEqual(Array.from({ length: formatVersion }, (_, i) => i + 1));
  });

  it('[MG1] lead from every format version to the next', () => {
    expect(formatMigrations.map(({ from, to }) => [from, to])).toEqual(
      Array.from({ length: formatVersion - 1 }, (_, i) => [i + 1, i + 2]),
    );
  });

  it('[MG2] lead from every version of every section to the next', () => {
    for (const [section, newest] of Object.entries(sectionVersions)) {
      const steps = sectionMigrations.filter((step) => step.section === section);
      expect(
        steps.map(({ from, to }) => [from, to]),
        section,
      ).toEqual(Array.from({ length: newest - 1 }, (_, i) => [i + 1, i + 2]));
    }
    const known = Object.keys(sectionVersions);
    expect(sectionMigrations.filter(({ section }) => !known.includes(section))).toEqual([]);
  });

  it('[MG3] every migration runs on a golden file, and has a name of its own', () => {
    const all = [...formatMigrations, ...sectionMigrations].map(({ name }) => name);
    expect(new Set(all).size).toBe(all.length);
    const ran = new Set(versions.flatMap((version) => migrationsOf(golden(version).vmstate)));
    expect([...ran].sort()).toEqual(all.sort());
  });

  it('[EN2] the golden file of the newest version takes none, and is written again byte for byte', () => {
    const { vmstate } = golden(formatVersion);
    expect(migrationsOf(vmstate)).toEqual([]);
    const sections = decodeVmstate(vmstate, digest);
    expect(encodeVmstate(sections, digest)).toEqual(vmstate);
    const devices = sections.find(({ name }) => name === 'v86.devices');
    const bytes = devices?.bytes ?? new Uint8Array(0);
    expect(encodeValue(decodeValue(bytes))).toEqual(bytes.slice());
  });
});

describe.each(v86Packages)('npm package %s', (packageName) => {
  let runtime: LabRuntime;

  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
  }, 60_000);

  /** Returns the machine of a golden file, with its memory, ready to load its state. */
  async function machineOf(version: number) {
    const { manifest, memory } = golden(version);
    const images = { ...labFirmware, fda: projectFile('public/guests/pattern/graphics.img') };
    const { memoryMiB, vgaMemoryMiB } = manifest;
    const host = labHost(images, { memoryMiB, vgaMemoryMiB });
    const prepared = await prepareLab(runtime, host, false);
    const bytes = memory();
    let offset = 0;
    for (const { name, sizeBytes } of manifest.blocks) {
      const block = host.blocks.find((candidate) => candidate.name === name);
      if (block?.sizeBytes !== sizeBytes) throw new Error(`The lab has another block "${name}".`);
      const contents = bytes.subarray(offset, offset + sizeBytes);
      new Uint8Array(host.memory.buffer, block.address, sizeBytes).set(contents);
      offset += sizeBytes;
    }
    return { host, prepared, manifest };
  }

  it.each(versions)(
    '[MG3] the guest of the golden file of format version %i continues, every dword right',
    async (version) => {
      const { host, prepared, manifest } = await machineOf(version);
      const machine = prepared.load(golden(version).vmstate) as V86Runtime;
      const inspect = () => checkPattern(machine.commands.readMemory);
      expect(inspect()).toEqual({ ok: true, pass: manifest.pass, edge: manifest.edge });
      for (let done = false; !done; ) {
        for (let i = 0; i < 20; i++) machine.core.step();
        await yieldToEventLoop();
        expect(host.crash).toBeUndefined();
        const now = inspect();
        expect(now).toMatchObject({ ok: true });
        done = now.ok && now.pass >= manifest.pass + 2;
      }
      expect(host.serial).toContain(`pass ${manifest.pass}`);
      machine.destroy();
    },
    60_000,
  );

  it('[SE4] an unknown optional section is in the next vmstate', async () => {
    const { prepared } = await machineOf(formatVersion);
    const machine = prepared.load(golden(formatVersion).vmstate) as V86Runtime;
    const saved = decodeVmstate(machine.save(), digest);
    expect(saved.find(({ name }) => name === 'golden.unknown')).toMatchObject({
      version: 7,
      required: false,
      bytes: new TextEncoder().encode('to be kept'),
    });
    machine.destroy();
  });
});
