import { describe, expect, it, vi } from 'vitest';
import xxhash from 'xxhash-wasm';
import { HoldfastError } from '../../errors.ts';
import type { RamBlock, VersionedPieces, WriteTracking } from '../../protocol/abi.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { decodeVmstate } from '../../vmstate/vmstate.ts';
import { Consoles } from '../guest/consoles.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { type CheckpointSource, indexBlock, type PieceSet } from './checkpoint-source.ts';
import { Checkpointer, type CheckpointOptions } from './checkpointer.ts';
import { JoinedPieces } from './joined-pieces.ts';
import { decodeManifest } from './manifest.ts';
import { pageIndexBytes } from './page-scan.ts';
import { decodeRecord, encodeRecord, type Piece } from './record.ts';
import { type RestoredCheckpoint, restoreCheckpoint } from './restore-checkpoint.ts';

const { h64Raw: digest } = await xxhash();
const wasmPage = 65536;
const ramPages = 512;
const vramPages = 32;

/** mulberry32: a test that fails names its seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

class LabPieces implements PieceSet {
  readonly pieces = new Map<number, Uint8Array>();
  readonly #changes = new Map<number, number>();
  generation = 0;

  get(index: number) {
    return this.pieces.get(index);
  }
  set(index: number, bytes: Uint8Array) {
    this.pieces.set(index, bytes);
    this.#changes.set(index, ++this.generation);
  }
  delete(index: number) {
    if (this.pieces.delete(index)) this.#changes.set(index, ++this.generation);
  }
  indexes(): ReturnType<VersionedPieces['indexes']> {
    return this.pieces.keys();
  }
  changedSince(generation: number) {
    return [...this.#changes].filter(([, changed]) => changed > generation).map(([i]) => i);
  }
  restore(pieces: Iterable<readonly [number, Uint8Array]>, generation: number) {
    this.pieces.clear();
    this.#changes.clear();
    for (const [index, bytes] of pieces) this.pieces.set(index, bytes);
    this.generation = generation;
  }
}

/** A machine without a CPU: the test writes to its memory in place of the guest. */
class LabMachine implements CheckpointSource {
  readonly memory: WebAssembly.Memory;
  readonly blocks: RamBlock[];
  readonly guestMemory: RamBlock[];
  readonly consoles = new Consoles(() => undefined);
  readonly digest = digest;
  readonly ram: Uint8Array;
  readonly disk = new LabPieces();
  vmstate: Uint8Array = Uint8Array.of(0);
  writes: WriteTracking | undefined;
  readonly #marks: Uint8Array;
  readonly pieces = {
    names: () => ['disk.hda'],
    of: () => this.disk,
  };

  constructor({ tracking = false, pages = ramPages } = {}) {
    const blocks: RamBlock[] = [];
    let end = wasmPage;
    const add = (name: string, bytes: number) => {
      const sizeBytes = Math.ceil(bytes / wasmPage) * wasmPage;
      blocks.push({ name, address: end, sizeBytes });
      end += sizeBytes;
      return blocks.at(-1) as RamBlock;
    };
    const ram = add('pc.ram', pages * pageBytes + wasmPage);
    const vram = add('vga.vram', vramPages * pageBytes);
    const marks = add('runtime.writes', pages);
    add(indexBlock, pageIndexBytes(pages + vramPages));
    this.memory = new WebAssembly.Memory({
      initial: end / wasmPage,
      maximum: end / wasmPage,
      shared: true,
    });
    this.blocks = blocks;
    // As v86 does, the guest's memory begins a page into its block.
    this.guestMemory = [
      { name: 'pc.ram', address: ram.address + pageBytes, sizeBytes: pages * pageBytes },
      vram,
    ];
    this.ram = new Uint8Array(this.memory.buffer, ram.address + pageBytes, pages * pageBytes);
    this.#marks = new Uint8Array(this.memory.buffer, marks.address, pages);
    if (tracking)
      this.writes = {
        map: { address: marks.address, pages },
        reset: () => this.#marks.fill(0),
        collect: () => undefined,
      };
  }

  write(address: number, bytes: Uint8Array): void {
    this.ram.set(bytes, address);
    const last = (address + bytes.length - 1) >> 12;
    for (let page = address >> 12; page <= last; page++) this.#marks[page] = 1;
  }

  save(): Uint8Array {
    return this.vmstate.slice();
  }

  /** Everything that a cut must restore, as plain data. */
  picture() {
    return {
      // By page, so that a difference is readable.
      memory: this.guestMemory.flatMap(({ address, sizeBytes }) =>
        Array.from({ length: sizeBytes / pageBytes }, (_, page) =>
          digest(
            new Uint8Array(this.memory.buffer, address + page * pageBytes, pageBytes),
          ).toString(16),
        ),
      ),
      said: Object.fromEntries(
        [...this.consoles.scrollbacks()].map(([name, scrollback]) => [
          name,
          Buffer.concat([...scrollback.chunks()].map(({ bytes }) => bytes)).toString('latin1'),
        ]),
      ),
      ends: [...this.consoles.scrollbacks()].map(([name, { end }]) => [name, end]),
      disk: [...this.disk.pieces]
        .map(([index, bytes]) => `${index}:${digest(bytes).toString(16)}`)
        .sort(),
      generation: this.disk.generation,
      vmstate: Buffer.from(this.vmstate).toString('hex'),
    };
  }
}

/** Changes a machine as a guest does in a moment. */
function live(machine: LabMachine, random: (below: number) => number, writes: number): void {
  const bytes = (length: number) => Uint8Array.from({ length }, () => random(256));
  for (let i = 0; i < writes; i++) {
    const page = random(ramPages);
    switch (random(8)) {
      case 0:
        machine.write(page * pageBytes, new Uint8Array(pageBytes));
        break;
      case 1:
        machine.write(page * pageBytes, new Uint8Array(pageBytes).fill(random(256)));
        break;
      case 2: {
        const from = random(ramPages) * pageBytes;
        machine.write(page * pageBytes, machine.ram.slice(from, from + pageBytes));
        break;
      }
      default: {
        const address = page * pageBytes + random(pageBytes);
        machine.write(address, bytes(Math.min(1 + random(64), machine.ram.length - address)));
      }
    }
  }
  const vram = machine.guestMemory[1] as RamBlock;
  new Uint8Array(machine.memory.buffer)[vram.address + random(vram.sizeBytes)] = random(256);
  machine.consoles.output('serial0', bytes(random(random(8) ? 200 : 9000)));
  if (random(3) === 0) machine.consoles.output('serial1', bytes(random(50)));
  for (let i = random(4); i > 0; i--) machine.disk.set(random(64), bytes(512 + random(512)));
  if (random(4) === 0) machine.disk.delete(random(64));
  if (random(6) === 0) live9p(machine, random);
  machine.vmstate = bytes(64);
}

/** A file of a share: written in place, made longer or shorter, or deleted. */
function live9p({ disk }: LabMachine, random: (below: number) => number): void {
  const index = 100 + random(3);
  const before = disk.get(index);
  if (random(6) === 0) {
    disk.delete(index);
    return;
  }
  const length = before && random(2) ? before.length : 1 + random(6) * 100_000;
  const bytes = before?.length === length ? before : new Uint8Array(length);
  if (before && before !== bytes) bytes.set(before.subarray(0, length));
  bytes[random(length)] = random(256);
  disk.set(index, bytes);
}

const still: CheckpointOptions = { stop: () => undefined, go: () => undefined };

describe('a restored machine is the machine at its last published cut', () => {
  const rounds = Number(process.env.HOLDFAST_ROUNDS ?? 12);
  it.each(Array.from({ length: rounds }, (_, seed) => seed + 1))(
    'random writes, checkpoints, failures and crashes (seed %i)',
    async (seed) => {
      const random = randomNumbers(seed);
      const store = new MemoryStore();
      let machine = new LabMachine({ tracking: seed % 2 === 0 });
      let resumed: RestoredCheckpoint | undefined;
      let checkpointer: Checkpointer;
      let running = true;
      let cut: ReturnType<LabMachine['picture']> | undefined;
      let published: typeof cut;
      const begin = () => {
        const source = machine;
        checkpointer = new Checkpointer({
          source,
          store,
          resumed,
          sliceMs: 0,
          // With some seeds only a few copies may wait.
          ...(seed % 3 === 0 && { waitingBytes: 8 * 1024 }),
          // The guest runs in the turns between the steps.
          turn: async () => {
            if (running && random(4) === 0) live(source, random, random(20));
          },
        });
      };
      const options: CheckpointOptions = {
        stop() {
          running = false;
          live(machine, random, random(10));
          cut = machine.picture();
        },
        go() {
          running = true;
          // At once: the cut must not be read from live memory later.
          live(machine, random, 60);
        },
      };
      begin();
      live(machine, random, 300);
      for (let step = 0; step < 12; step++) {
        live(machine, random, random(200));
        store.writesLeft = random(4) === 0 ? random(4) : Number.POSITIVE_INFINITY;
        const request = { ...options, full: random(8) === 0, urgent: random(4) === 0 };
        await checkpointer!.checkpoint(request).then(
          () => {
            published = cut;
          },
          (error: HoldfastError) => expect(error.code).toBe('storage-full'),
        );
        store.writesLeft = Number.POSITIVE_INFINITY;
        if (!published || random(3)) continue;

        // The end of the keeper: memory is lost, and a new machine loads the published generation.
        machine = new LabMachine({ tracking: random(2) === 0 });
        const fresh = random(2) === 0;
        if (!fresh) live(machine, random, 100);
        resumed = await restoreCheckpoint(store, {
          memory: machine.memory,
          blocks: machine.blocks,
          consoles: machine.consoles,
          pieces: machine.pieces,
          digest,
          fresh,
        });
        machine.vmstate = resumed.vmstate;
        if (resumed.fellBack !== undefined) throw new Error(resumed.fellBack);
        if (!fresh) machine.consoles.flush();
        expect(machine.picture()).toEqual(published);
        begin();
      }
    },
  );
});

describe('the pages that are written', () => {
  it('are restored when nothing but a page of one repeated word has changed', async () => {
    const machine = new LabMachine();
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    await checkpointer.checkpoint(still);
    machine.write(5 * pageBytes, new Uint8Array(pageBytes).fill(0xcc));
    await checkpointer.checkpoint(still);
    const restored = new LabMachine();
    const { memory, blocks, consoles, pieces } = restored;
    await restoreCheckpoint(store, { memory, blocks, consoles, pieces, digest, fresh: true });
    expect(restored.picture().memory).toEqual(machine.picture().memory);
  });

  it('an idle machine costs its manifest, and pages that changed and changed back cost nothing', async () => {
    const random = randomNumbers(7);
    const machine = new LabMachine();
    live(machine, random, 300);
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    await checkpointer.checkpoint(still);
    const before = machine.ram.slice(0, 64);
    machine.write(0, Uint8Array.of(1, 2, 3));
    machine.write(0, before);
    const report = await checkpointer.checkpoint(still);
    expect(report.dirtyBytes).toBe(0);
    expect(report.writtenBytes).toBe(report.manifestBytes);
    expect(report.manifestBytes).toBeLessThan(2048);
  });

  it('the first pass counts the pages that it has come to, up to all of them', async () => {
    const machine = new LabMachine();
    const looked: number[] = [];
    let passes = 0;
    await new Checkpointer({ source: machine, store: new MemoryStore() }).checkpoint({
      ...still,
      looked: ({ done, all }) => {
        expect(all).toBe(ramPages + vramPages);
        looked.push(done);
      },
      another: async () => passes++ === 0,
    });
    expect(looked).toEqual([...looked].sort((a, b) => a - b));
    expect(looked.at(0)).toBeLessThan(ramPages + vramPages);
    expect(looked.filter((done) => done === ramPages + vramPages)).toHaveLength(1);
  });

  it('pages of one repeated word and repeated pages cost next to nothing', async () => {
    const machine = new LabMachine();
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    await checkpointer.checkpoint(still);
    const same = Uint8Array.from({ length: pageBytes }, (_, i) => i * 7);
    for (let page = 0; page < 200; page++) machine.write(page * pageBytes, same);
    machine.write(200 * pageBytes, new Uint8Array(200 * pageBytes).fill(0xcc));
    const report = await checkpointer.checkpoint(still);
    expect(report.dirtyBytes).toBe(400 * pageBytes);
    expect(report.writtenBytes - report.manifestBytes).toBeLessThan(pageBytes + 200 * 8 * 2 + 64);
  });

  it('a page that changes while it is being copied is written once', async () => {
    const machine = new LabMachine();
    const store = new MemoryStore();
    const random = randomNumbers(3);
    const noise = (page: number) =>
      machine.write(
        page * pageBytes,
        Uint8Array.from({ length: pageBytes }, () => random(256)),
      );
    let turns = 0;
    const checkpointer = new Checkpointer({
      source: machine,
      store,
      sliceMs: 0,
      turn: async () => {
        turns++;
        noise(5);
      },
    });
    for (let page = 0; page < ramPages; page++) noise(page);
    const report = await checkpointer.checkpoint({ ...still, stop: () => noise(5) });
    expect(turns).toBeGreaterThan(0);
    expect(report.dirtyBytes).toBe(ramPages * pageBytes);
    expect(report.writtenBytes / report.dirtyBytes).toBeLessThan(1.02);
  });

  it('[F11] the few records of a guest that writes little are written with their generation', async () => {
    const machine = new LabMachine();
    const store = new MemoryStore();
    const put = vi.spyOn(store, 'putRecord');
    const hold = vi.spyOn(store, 'holdRecord');
    const checkpointer = new Checkpointer({ source: machine, store });
    const random = randomNumbers(11);
    const noise = (bytes: number) => Uint8Array.from({ length: bytes }, () => random(256));
    machine.write(0, noise(300 * pageBytes));
    await checkpointer.checkpoint(still);
    expect([put.mock.calls.length > 0, hold.mock.calls.length]).toEqual([true, 0]);
    put.mockClear();
    for (let round = 0; round < 3; round++) {
      machine.write(round * pageBytes, noise(2 * pageBytes));
      machine.disk.set(0, noise(200 * 1024));
      machine.disk.set(1, noise(200 * 1024));
      store.writesLeft = round === 1 ? 0 : Number.POSITIVE_INFINITY;
      const taking = checkpointer.checkpoint(still);
      if (round === 1) await expect(taking).rejects.toMatchObject({ code: 'storage-full' });
      else await taking;
    }
    expect([put.mock.calls.length, hold.mock.calls.length]).toEqual([0, 9]);
    const restored = new LabMachine();
    restored.vmstate = (await restoreCheckpoint(store, restored)).vmstate;
    expect(restored.picture()).toEqual(machine.picture());
  });

  it('[F10] records are small if Blobs arrive late, and for a page that leaves', async () => {
    const pages = 2048;
    const machine = new LabMachine({ pages });
    const store = new MemoryStore();
    const put = vi.spyOn(store, 'putRecord');
    const checkpointer = new Checkpointer({ source: machine, store });
    const random = randomNumbers(5);
    const largest = async (options: Partial<CheckpointOptions> = {}) => {
      for (let page = 0; page < pages; page++)
        machine.write(
          page * pageBytes,
          Uint8Array.from({ length: 4 }, () => random(256)),
        );
      put.mockClear();
      await checkpointer.checkpoint({ ...still, ...options });
      return Math.max(...put.mock.calls.map(([bytes]) => bytes.length));
    };
    const small = 250_000;
    expect(await largest()).toBeGreaterThan(small);
    expect(await largest({ urgent: true }), 'of a page that leaves').toBeLessThan(small);
    store.blobsAreLate = true;
    expect(await largest(), 'after late Blobs').toBeLessThan(small);
  });

  const mebi = 1024 * 1024;
  it.each([
    ['in pieces', Array.from({ length: 2048 }, () => 4096)],
    ['in one large piece', [8 * mebi]],
  ])(
    '[5] copies of a disk do not pile up: most are written before the next are made, %s',
    async (_, lengths) => {
      const machine = new LabMachine();
      for (const [index, length] of lengths.entries())
        machine.disk.set(index, new Uint8Array(length).fill(1));
      const store = new MemoryStore();
      let waiting = 0;
      let most = 0;
      const { slice } = Uint8Array.prototype;
      const copies = vi.spyOn(Uint8Array.prototype, 'slice').mockImplementation(function (
        this: Uint8Array,
        ...range
      ) {
        const copy = slice.apply(this, range);
        waiting += copy.length;
        most = Math.max(most, waiting);
        return copy;
      });
      const put = store.putRecord.bind(store);
      store.putRecord = (bytes) => {
        waiting -= bytes.length;
        // The store's own copy remains.
        const before = waiting;
        const stored = put(bytes);
        waiting = before;
        return stored;
      };
      const waitingBytes = mebi / 2;
      await new Checkpointer({ source: machine, store, waitingBytes }).checkpoint(still);
      copies.mockRestore();
      expect(store.records.size).toBeGreaterThan(8);
      expect(most).toBeLessThanOrEqual(2 * waitingBytes);
      const restored = new LabMachine();
      restored.vmstate = (await restoreCheckpoint(store, restored)).vmstate;
      expect(restored.picture()).toEqual(machine.picture());
    },
  );

  it('with write tracking only marked pages are looked at', async () => {
    const machine = new LabMachine({ tracking: true });
    const checkpointer = new Checkpointer({ source: machine, store: new MemoryStore() });
    await checkpointer.checkpoint(still);
    machine.write(3 * pageBytes, Uint8Array.of(1));
    const report = await checkpointer.checkpoint(still);
    expect(report.dirtyBytes).toBe(pageBytes);
    // Memory without write tracking is compared once, during the cut. Little of it had changed.
    expect(report.scannedBytes).toBeLessThanOrEqual((1 + vramPages) * pageBytes);
  });

  it('a guest that writes little: the marks are begun anew once a checkpoint', async () => {
    const machine = new LabMachine({ tracking: true });
    const { writes } = machine;
    const reset = vi.spyOn(writes as NonNullable<typeof writes>, 'reset');
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    await checkpointer.checkpoint(still);
    reset.mockClear();
    const noise = Uint8Array.from({ length: pageBytes }, (_, i) => i * 13);
    for (const page of [3, 30, 70]) machine.write(page * pageBytes, noise);
    const { dirtyBytes } = await checkpointer.checkpoint(still);
    expect(dirtyBytes).toBe(3 * pageBytes);
    expect(reset).toHaveBeenCalledTimes(1);
    const restored = new LabMachine();
    restored.vmstate = (await restoreCheckpoint(store, restored)).vmstate;
    expect(restored.picture()).toEqual(machine.picture());
  });

  it('writes of another runtime are found, even without marks', async () => {
    const machine = new LabMachine({ tracking: true });
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    await checkpointer.checkpoint(still);
    const { writes } = machine;
    machine.writes = undefined;
    machine.ram[77 * pageBytes] = 1;
    expect((await checkpointer.checkpoint(still)).dirtyBytes).toBe(pageBytes);
    machine.ram[78 * pageBytes] = 1;
    machine.writes = writes && { ...writes };
    expect((await checkpointer.checkpoint(still)).dirtyBytes).toBe(pageBytes);
  });

  it('storage stays within a small multiple of the useful bytes, and records stay few', async () => {
    const random = randomNumbers(11);
    const machine = new LabMachine({ tracking: true });
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    const noise = () => Uint8Array.from({ length: 16 }, () => random(256));
    for (let page = 0; page < ramPages; page++) machine.write(page * pageBytes, noise());
    let most = 0;
    for (let round = 0; round < 400; round++) {
      for (let i = 0; i < 12; i++) machine.write(random(ramPages) * pageBytes, noise());
      await checkpointer.checkpoint(still);
      most = Math.max(most, store.published[0]?.records.length ?? 0);
    }
    const bytes = [...store.records.values()].reduce((sum, { length }) => sum + length, 0);
    expect(bytes).toBeLessThan(3 * ramPages * pageBytes + 12 * 1024 * 1024);
    expect(most).toBeLessThan(200);
  });
});

it('after another checkpointer of the same machine everything is written anew', async () => {
  const random = randomNumbers(23);
  const machine = new LabMachine({ tracking: true });
  const store = new MemoryStore();
  const first = new Checkpointer({ source: machine, store });
  live(machine, random, 300);
  await first.checkpoint(still);
  live(machine, random, 50);
  await new Checkpointer({ source: machine, store: new MemoryStore() }).checkpoint(still);
  await first.checkpoint(still);
  const restored = new LabMachine();
  restored.vmstate = (await restoreCheckpoint(store, restored)).vmstate;
  expect(restored.picture()).toEqual(machine.picture());
});

describe('damaged storage', () => {
  const twice = async () => {
    const random = randomNumbers(5);
    const machine = new LabMachine();
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    live(machine, random, 300);
    await checkpointer.checkpoint(still);
    const first = machine.picture();
    live(machine, random, 100);
    await checkpointer.checkpoint(still);
    const [newest, older] = store.published;
    if (!newest || !older) throw new Error('two generations were to be published');
    return { store, first, newest, older };
  };
  const restore = async (store: MemoryStore) => {
    const machine = new LabMachine();
    const cut = await restoreCheckpoint(store, machine);
    machine.vmstate = cut.vmstate;
    return { machine, cut };
  };
  const flip = (bytes: Uint8Array | undefined, at: number) => {
    if (bytes) bytes[at] = (bytes[at] ?? 0) ^ 1;
  };

  it.each([
    [
      'manifest',
      ({ store, newest }) => flip(store.published[0]?.manifest, newest.manifest.length - 9),
    ],
    ['record', ({ store, newest }) => flip(store.records.get(newest.records.at(-1) ?? 0), 50)],
    ['missing record', ({ store, newest }) => store.records.delete(newest.records.at(-1) ?? 0)],
    [
      'torn record',
      ({ store, newest }) => {
        const id = newest.records.at(-1) ?? 0;
        store.records.set(id, (store.records.get(id) as Uint8Array).slice(0, -1));
      },
    ],
    [
      'list of records',
      ({ store }) => {
        const [newest, older] = store.published;
        if (newest && older) store.published = [{ ...newest, records: older.records }, older];
      },
    ],
  ] satisfies [string, (stored: Awaited<ReturnType<typeof twice>>) => void][])(
    'in the newest generation, its %s: falls back to the one before, and reports it',
    async (_, damage) => {
      const stored = await twice();
      damage(stored);
      const { machine, cut } = await restore(stored.store);
      expect(cut.fellBack).toMatch(/damaged|missing|records/);
      expect(cut.generation).toBe(stored.older.number);
      expect(machine.picture()).toEqual(stored.first);

      // Later checkpoints build on the good one and do not keep the damaged one as the second.
      const next = new Checkpointer({ source: machine, store: stored.store, resumed: cut });
      machine.write(0, Uint8Array.of(9, 9, 9));
      const report = await next.checkpoint(still);
      expect(report.dirtyBytes).toBe(pageBytes);
      expect(stored.store.published.map(({ number }) => number)).toEqual([
        report.generation,
        stored.older.number,
      ]);
    },
  );

  it('in both generations: says that nothing is whole', async () => {
    const { store } = await twice();
    for (const { manifest } of store.published) flip(manifest, 40);
    await expect(restore(store)).rejects.toMatchObject({ code: 'storage-damaged' });
  });

  it('nothing was stored: not-found', async () => {
    await expect(restore(new MemoryStore())).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a checkpoint that fails', () => {
  it('leaves the guest running, and no records behind', async () => {
    const machine = new LabMachine();
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    const calls: string[] = [];
    machine.save = () => {
      throw new Error('no');
    };
    machine.write(0, Uint8Array.of(1));
    const options = { stop: () => calls.push('stop'), go: () => calls.push('go') };
    await expect(checkpointer.checkpoint(options)).rejects.toBeInstanceOf(HoldfastError);
    expect(calls).toEqual(['stop', 'go']);
    expect(store.records.size).toBe(0);
  });

  it('can be given up', async () => {
    const machine = new LabMachine();
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store });
    const signal = AbortSignal.abort();
    await expect(checkpointer.checkpoint({ ...still, signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect((await checkpointer.checkpoint(still)).generation).toBe(1);
  });

  it('refuses a second one meanwhile', async () => {
    const checkpointer = new Checkpointer({ source: new LabMachine(), store: new MemoryStore() });
    const first = checkpointer.checkpoint(still);
    await expect(checkpointer.checkpoint(still)).rejects.toMatchObject({ code: 'busy' });
    await first;
  });
});

describe('a large piece', () => {
  const fileBytes = 4 * 1024 * 1024;

  async function withFile(options: { wholePieces?: boolean } = {}) {
    const machine = new LabMachine();
    const file = new Uint8Array(fileBytes);
    for (let at = 0; at < fileBytes; at += 997) file[at] = at;
    machine.disk.set(7, file);
    const store = new MemoryStore();
    const checkpointer = new Checkpointer({ source: machine, store, ...options });
    await checkpointer.checkpoint(still);
    const restore = async () => {
      const other = new LabMachine();
      const resumed = await restoreCheckpoint(store, other);
      expect(Buffer.compare(other.disk.get(7) as Uint8Array, file)).toBe(0);
      return { machine: other, resumed };
    };
    return { machine, file, store, checkpointer, restore };
  }

  it('only the parts that changed are written', async () => {
    const { machine, file, checkpointer, restore } = await withFile();
    file[fileBytes / 2] = 200;
    machine.disk.set(7, file);
    const { writtenBytes } = await checkpointer.checkpoint(still);
    expect(writtenBytes).toBeLessThan(128 * 1024);
    await restore();
  });

  it('a piece that an earlier version has written whole is read, and written in parts from then on', async () => {
    const { store, restore } = await withFile({ wholePieces: true });
    const { machine, resumed } = await restore();
    const file = machine.disk.get(7) as Uint8Array;
    const next = new Checkpointer({ source: machine, store, resumed });
    for (const most of [fileBytes + 128 * 1024, 128 * 1024]) {
      file[5] = (file[5] ?? 0) + 1;
      machine.disk.set(7, file);
      expect((await next.checkpoint(still)).writtenBytes).toBeLessThan(most);
      const again = new LabMachine();
      await restoreCheckpoint(store, again);
      expect(again.picture().disk).toEqual(machine.picture().disk);
    }
  });

  it('a build that knows no parts does not take the rest for all there is', async () => {
    const versionOf = async (store: MemoryStore) => {
      const [newest] = await store.generations();
      const sections = decodeVmstate(newest?.manifest as Uint8Array, digest);
      return sections.find(({ name }) => name === 'checkpoint')?.version;
    };
    const { machine, store, checkpointer } = await withFile();
    expect(await versionOf(store)).toBe(2);
    machine.disk.delete(7);
    await checkpointer.checkpoint(still);
    expect(await versionOf(store)).toBe(1);
  });

  it('a part that is missing is damage', async () => {
    const { store } = await withFile();
    for (const [id, bytes] of store.records) {
      const { blobs, ...record } = decodeRecord(bytes, digest);
      const kept = blobs.filter(
        ({ stream, index }) => stream !== 'pieces.disk.hda/7' || index !== 3,
      );
      store.records.set(id, encodeRecord({ ...record, blobs: kept }, digest));
    }
    await expect(restoreCheckpoint(store, new LabMachine())).rejects.toMatchObject({
      code: 'storage-damaged',
    });
  });

  it('an export gets it whole', async () => {
    const { store, file } = await withFile();
    const [newest] = await store.generations();
    const { records = [], manifest = new Uint8Array() } = newest ?? {};
    const large = new JoinedPieces(decodeManifest(manifest, records, digest).parts);
    const found: Piece[] = [];
    for await (const { bytes } of store.readRecords([...records].reverse()))
      for (const blob of decodeRecord(bytes, digest).blobs) {
        const whole = large.take(blob);
        if (whole?.bytes) found.push(whole);
      }
    large.requireAll();
    expect(found.map(({ stream, index }) => `${stream} ${index}`)).toEqual(['pieces.disk.hda 7']);
    expect(Buffer.compare(found[0]?.bytes as Uint8Array, file)).toBe(0);
  });
});
