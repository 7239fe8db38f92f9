/**
 * Turns a stock `v86.wasm` into one that does not own its memory.
 *
 * Stock v86 exports an unshared memory that it grows itself. Holdfast keeps guest RAM in a memory
 * that outlives the instance, so the transformed module
 *
 * - imports that memory (`env.memory`, shared) instead of defining it;
 * - calls `env.memory_grow_pre` / `env.memory_grow_post` whenever its allocator needs more pages
 *   (Binaryen's `instrument-memory` pass over the module's `memory.grow`);
 * - writes nothing when it is instantiated: its data segments move to a custom section,
 *   `holdfast.data`. So an instance can be made over a memory in which another runtime is still
 *   running a guest.
 *
 * It records which pages of guest memory may have been written, see track-writes.ts. The guest reaches
 * its frame buffer without calls, see direct-frame-buffer.ts. The module can wait for pages that have
 * not arrived, see absent-pages.ts. It contains its own digest (`holdfast.digest`). It turns two
 * constants of v86 into exported globals, see
 * `knobs`: a guest that was just handed over should be compiled sooner than one that just started.
 *
 * Function bodies are otherwise left as they are.
 */
import binaryen from 'binaryen';
import xxhash from 'xxhash-wasm';
import { waitForAbsentPages } from './absent-pages.ts';
import { directFrameBuffer } from './direct-frame-buffer.ts';
import {
  concat,
  leb,
  nameBytes,
  Reader,
  readSections,
  type Section,
  sectionId,
  signedLeb,
  writeSections,
} from './sections.ts';
import { trackWrites } from './track-writes.ts';

/**
 * Name of the custom section: u32 minimum pages, then per segment u32 address, u32 length, and
 * that many bytes. Numbers are LEB128.
 */
const dataSectionName = 'holdfast.data';

/** Name of the custom section that identifies this module, see `digestSection`. */
const digestSectionName = 'holdfast.digest';

/** Largest shared memory the import accepts, in pages of 64 KiB: all of 32 bits. */
const maximumPages = 65536;

/** v86's build no longer has the shape that Holdfast relies on. */
class UnexpectedV86Wasm extends Error {
  override name = 'UnexpectedV86Wasm';
}

function expect(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new UnexpectedV86Wasm(sentence);
}

/** Constants of v86 that become exported mutable globals, so that the runtime can set them. */
const knobs = [
  /** `JIT_THRESHOLD` in jit.rs: instructions run in a page before it is compiled. */
  { name: 'jit_threshold', value: 200_000 },
  /** `LOOP_COUNTER` in cpu.rs: instructions between two checks of timers and interrupts. */
  { name: 'loop_counter', value: 100_003 },
] as const;

/**
 * Replaces the one comparison with each constant by one with a new global of that value. The
 * global's index is padded to the constant's length, so that no function changes its size.
 */
function exposeKnobs(sections: Section[]): void {
  const section = (id: number, name: string): Section => {
    const found = sections.find((candidate) => candidate.id === id);
    expect(found !== undefined, `v86.wasm has no ${name} section`);
    return found;
  };
  const globals = section(sectionId.global, 'global');
  const exports = section(sectionId.export, 'export');
  const code = section(sectionId.code, 'code');
  code.payload = code.payload.slice();
  for (const { name, value } of knobs) {
    const constant = signedLeb(value);
    const index = appendItem(globals, [0x7f, 0x01, 0x41, ...constant, 0x0b]); // mutable i32
    appendItem(exports, [...nameBytes(name), 0x03, ...leb(index)]);
    // i32.const, i32.lt_u: the constant's bytes alone would match other code.
    const places = findAll(code.payload, [0x41, ...constant, 0x49]);
    expect(
      places.length === 1 && constant.length === 3,
      `v86.wasm compares with ${name} (${value}) in ${places.length} places, not one`,
    );
    code.payload.set([0x23, index | 0x80, 0x80, 0x00], places[0]); // global.get
  }
}

/** Appends to a section that is a vector; returns the new item's index. */
function appendItem(section: Section, item: readonly number[]): number {
  const reader = new Reader(section.payload);
  const count = reader.u32();
  section.payload = concat([
    Uint8Array.from(leb(count + 1)),
    section.payload.subarray(reader.offset),
    Uint8Array.from(item),
  ]);
  return count;
}

function findAll(bytes: Uint8Array, pattern: readonly number[]): number[] {
  const places: number[] = [];
  const first = pattern[0] ?? 0;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (pattern.every((byte, i) => bytes[at + i] === byte)) places.push(at);
  }
  return places;
}

interface DataSegment {
  address: number;
  bytes: Uint8Array;
}

function parseData(payload: Uint8Array): DataSegment[] {
  const reader = new Reader(payload);
  const segments: DataSegment[] = [];
  for (let count = reader.u32(); count > 0; count--) {
    expect(
      reader.u32() === 0,
      'v86.wasm has a data segment that is not active in memory 0; Holdfast can only move active ones',
    );
    expect(
      reader.u8() === 0x41,
      'v86.wasm has a data segment whose address is not a constant; Holdfast relies on static addresses',
    );
    const address = reader.s32() >>> 0;
    expect(reader.u8() === 0x0b, 'v86.wasm has a data segment with a computed address');
    segments.push({ address, bytes: reader.take(reader.u32()) });
  }
  return segments;
}

function encodeData(minimumPages: number, segments: readonly DataSegment[]): Uint8Array {
  return concat([
    Uint8Array.from([...nameBytes(dataSectionName), ...leb(minimumPages)]),
    ...segments.flatMap(({ address, bytes }) => [
      Uint8Array.from([...leb(address), ...leb(bytes.length)]),
      bytes,
    ]),
  ]);
}

function rewriteFunctions(wasm: Uint8Array): Uint8Array {
  const module = binaryen.readBinary(wasm);
  try {
    // `All` would make Binaryen emit exact imports, which engines reject.
    module.setFeatures(
      binaryen.Features.MutableGlobals |
        binaryen.Features.NontrappingFPToInt |
        binaryen.Features.SIMD128 |
        binaryen.Features.BulkMemory |
        binaryen.Features.BulkMemoryOpt |
        binaryen.Features.SignExt |
        binaryen.Features.Multivalue |
        binaryen.Features.ReferenceTypes |
        binaryen.Features.Atomics,
    );
    const untracked = trackWrites(module);
    if (untracked) console.warn(`Writes of this v86 are not tracked: ${untracked}`);
    const indirect = directFrameBuffer(module);
    if (indirect) console.warn(`The frame buffer of this v86 is not direct: ${indirect}`);
    const unable = waitForAbsentPages(module);
    if (unable) console.warn(`This v86 needs all of the guest's RAM at once: ${unable}`);
    binaryen.setPassArgument('instrument-memory', 'memory.grow');
    // The pass declares imports for loads and stores too, which nothing calls here.
    module.runPasses(['instrument-memory', 'remove-unused-module-elements']);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/**
 * @param wasm a stock v86.wasm, as npm's package ships it.
 * @returns the transformed module's bytes.
 * @throws {UnexpectedV86Wasm} with a sentence that names the missing parts.
 */
export async function transformV86Wasm(wasm: Uint8Array): Promise<Uint8Array> {
  const sections = readSections(rewriteFunctions(wasm));
  const find = (id: number) => sections.find((section) => section.id === id);

  const memory = find(sectionId.memory);
  expect(memory !== undefined, 'v86.wasm no longer defines a memory of its own');
  const limits = new Reader(memory.payload);
  expect(limits.u32() === 1, 'v86.wasm defines more than one memory');
  expect((limits.u8() & 0x02) === 0, 'v86.wasm defines a shared memory already');
  const minimumPages = limits.u32();

  expect(
    find(sectionId.start) === undefined,
    'v86.wasm has a start function, which would run too early',
  );

  const imports = find(sectionId.import);
  expect(imports !== undefined, 'v86.wasm imports nothing');
  const growImports = countGrowImports(imports.payload);
  expect(growImports === 2, `v86.wasm has ${growImports} growth imports after the rewrite, not 2`);

  const data = find(sectionId.data);
  expect(data !== undefined, 'v86.wasm has no data segments');
  const segments = parseData(data.payload);
  for (const { address, bytes } of segments) {
    expect(
      address + bytes.length <= minimumPages * 65536,
      'v86.wasm has a data segment outside its first memory pages',
    );
  }

  const importReader = new Reader(imports.payload);
  const importCount = importReader.u32();
  const memoryImport = Uint8Array.from([
    ...nameBytes('env'),
    ...nameBytes('memory'),
    0x02, // import kind: memory
    0x03, // limits: shared, with a maximum
    ...leb(minimumPages),
    ...leb(maximumPages),
  ]);
  imports.payload = concat([
    Uint8Array.from(leb(importCount + 1)),
    imports.payload.subarray(importReader.offset),
    memoryImport,
  ]);

  exposeKnobs(sections);
  const kept = sections.filter(
    ({ id, payload }) =>
      id !== sectionId.memory &&
      id !== sectionId.data &&
      id !== sectionId.dataCount &&
      // Names and DWARF double the size, and no code reads them.
      (id !== sectionId.custom || new Reader(payload).name() === 'target_features'),
  );
  kept.push({ id: sectionId.custom, payload: encodeData(minimumPages, segments) });
  const transformed = writeSections(kept);
  return concat([transformed, await digestSection(transformed)]);
}

/**
 * Returns a section that identifies this module: `xxh64:` and 16 hex digits over all bytes before
 * it.
 */
async function digestSection(wasm: Uint8Array): Promise<Uint8Array> {
  const { h64Raw } = await xxhash();
  const digest = `xxh64:${h64Raw(wasm).toString(16).padStart(16, '0')}`;
  const payload = Uint8Array.from([
    ...nameBytes(digestSectionName),
    ...new TextEncoder().encode(digest),
  ]);
  return concat([Uint8Array.from([sectionId.custom, ...leb(payload.length)]), payload]);
}

function countGrowImports(payload: Uint8Array): number {
  const text = new TextDecoder('latin1').decode(payload);
  return (text.match(/memory_grow_(pre|post)/g) ?? []).length;
}
