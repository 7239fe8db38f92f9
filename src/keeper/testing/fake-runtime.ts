/** Runtimes for tests of the keeper, which record their calls. */

import { HoldfastError } from '../../errors.ts';
import {
  abiVersion,
  type RamBlock,
  type RuntimeHost,
  type RuntimeInstance,
  type RuntimeModule,
  type WriteTracking,
} from '../../protocol/abi.ts';
import { defaultConfig, type MachineConfig } from '../../protocol/config.ts';
import type { Blocker } from '../../protocol/cpr.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import type { AbsentPages, LazyRam } from '../../protocol/lazy-ram.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { EntryStore, MachineStore, Store, StoredMachine } from '../../store/types.ts';
import { decodeVmstate, encodeVmstate } from '../../vmstate/vmstate.ts';
import { guestBlocks } from '../checkpoint/memory-layout.ts';
import { xxh64 } from '../cpr/digest.ts';
import { MemoryStore } from './memory-store.ts';

export type FakeStep =
  | 'prepare'
  | 'boot'
  | 'load'
  | 'quiesce'
  | 'stop'
  | 'save'
  | 'park'
  | 'run'
  | 'unpark'
  | 'destroy'
  | 'revert';

export interface FakeOptions {
  abi?: number;
  /** A step of this runtime that throws, and the error. */
  fail?: Partial<Record<FakeStep, unknown>>;
  /** Awaited before it is prepared. */
  prepareGate?: Promise<void>;
  /** Reports a crash in this step instead of throwing. */
  crashIn?: 'boot' | 'load' | 'run';
  blockers?: RuntimeInstance['blockers'];
  /** Thrown by `revert` before anything is restored. */
  refuseRevert?: unknown;
  /** Thrown when the guest is stopped. */
  refuseStop?: Error;
  /** Like runtimes that are older than checkpoints. */
  hidesMemory?: boolean;
  /** Knows absent pages, and has this much guest RAM. */
  lazyRamPages?: number;
  /** Tracks the guest's writes, see {@link FakeRuntime.note}. */
  tracksWrites?: boolean;
}

const { h64Raw: digest } = await xxh64();
const sectionName = 'fake.device';

/** A vmstate as runtimes write it, with a text for device state. */
export function fakeVmstate(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return encodeVmstate([{ name: sectionName, version: 1, required: true, bytes }], digest);
}

/** Returns the text of {@link fakeVmstate}; throws for anything else. */
export function textOfVmstate(vmstate: Uint8Array): string {
  const sections = decodeVmstate(vmstate, digest);
  if (sections.length !== 1) throw new Error('A runtime was given sections that are not its own.');
  return new TextDecoder().decode(sections[0]?.bytes);
}

export class FakeRuntime {
  readonly log: string[] = [];
  /** Keys that the guest received, and releases of all of them. */
  readonly keys: string[] = [];
  host: RuntimeHost | undefined;
  running = false;
  /** Instruction count, which grows with the guest's work. */
  instructions = 1;
  signal: AbortSignal | undefined;
  /** The keeper's half, with {@link FakeOptions.lazyRamPages}. */
  absent: AbsentPages | undefined;
  readonly name: string;
  options: FakeOptions;

  constructor(name: string, options: FakeOptions = {}) {
    this.name = name;
    this.options = options;
  }

  get source(): RuntimeSource {
    const { name } = this;
    const site = `https://site.test/${name}`;
    return { id: name, v86Version: name, url: `${site}.js`, wasmUrl: `${site}.wasm` };
  }

  get module(): RuntimeModule {
    return {
      abiVersion: this.options.abi ?? abiVersion,
      v86Version: this.name,
      prepare: async (host, { signal }) => {
        this.host = host;
        this.signal = signal;
        await this.options.prepareGate;
        this.#step('prepare');
        return {
          boot: () => this.#step('boot', () => this.#instance()),
          load: (bytes) => {
            this.log.push(textOfVmstate(bytes));
            return this.#step('load', () => this.#instance());
          },
          discard: () => void this.log.push('discard'),
        };
      },
    };
  }

  /** The first pages of each block suffice. */
  get guestMemory(): RamBlock[] {
    const blocks = guestBlocks(this.host?.blocks ?? []);
    const ramBytes = (this.options.lazyRamPages ?? 16) * 4096;
    return blocks.map(({ name, address }) => ({
      name,
      address,
      sizeBytes: name === 'pc.ram' ? ramBytes : 65_536,
    }));
  }

  /** Returns the guest's memory at the beginning of a RAM block. */
  memory(block: string): Uint8Array {
    const found = this.guestMemory.find(({ name }) => name === block);
    if (!found || !this.host) throw new Error(`The machine has no RAM block "${block}".`);
    return new Uint8Array(this.host.memory.buffer, found.address, found.sizeBytes);
  }

  get #notes(): Uint8Array {
    if (!this.host) throw new Error('The runtime was not prepared.');
    const { blocks, memory } = this.host;
    const { address } = blocks.find(({ name }) => name === 'vga.vram') as RamBlock;
    // After the guest's part of the block.
    return new Uint8Array(memory.buffer, address + 65_536, 16);
  }

  /** Marks this many pages as possibly written by the guest. */
  note(pages: number): void {
    this.#notes.fill(1, 0, pages);
  }

  get #writes(): WriteTracking {
    const { byteOffset: address, length: pages } = this.#notes;
    return { map: { address, pages }, reset: () => this.#notes.fill(0), collect: () => {} };
  }

  #instance(): RuntimeInstance {
    return {
      v86Version: this.name,
      run: () => this.#step('run', () => this.#setRunning(true)),
      stop: () => {
        if (this.options.refuseStop) throw this.options.refuseStop;
        this.#step('stop', () => this.#setRunning(false));
      },
      quiesce: async () => this.#step<void>('quiesce'),
      save: () => this.#step('save', () => fakeVmstate(`state of ${this.name}`)),
      park: () => this.#step<void>('park'),
      unpark: () => this.#step<void>('unpark'),
      destroy: () => this.#step('destroy', () => this.#setRunning(false)),
      instructionCounter: () => this.instructions,
      describe: (): MachineEvent[] => [{ type: 'mouse-mode', absolute: true, enabled: true }],
      snapshot: (): MachineEvent[] => [{ type: 'mouse-mode', absolute: true, enabled: true }],
      setWatched: () => {},
      ...(!this.options.hidesMemory && { guestMemory: this.guestMemory }),
      ...(this.options.lazyRamPages !== undefined && { lazyRam: this.#lazyRam() }),
      ...(this.options.tracksWrites && { writes: this.#writes }),
      blockers: (mode) => this.options.blockers?.(mode) ?? ([] as Blocker[]),
      capture: () => ({ vmstate: fakeVmstate(`state of ${this.name}`), media: 'media' }),
      revert: ({ vmstate }, restoreMemory) => {
        this.log.push(textOfVmstate(vmstate));
        if (this.options.refuseRevert) throw this.options.refuseRevert;
        restoreMemory();
        this.#step('revert');
      },
      commands: {
        echo: (value: unknown) => value,
        infoNothing: () => 'nothing',
        consoleInput: (_console: string, bytes: Uint8Array) =>
          void this.log.push(`input ${new TextDecoder().decode(bytes)}`),
        scancodes: (codes: Uint8Array) => void this.keys.push(`keys ${[...codes].join(' ')}`),
        releaseInput: () => void this.keys.push('release'),
      } as never,
    };
  }

  #lazyRam(): LazyRam {
    return {
      begin: (absent) => {
        this.log.push('lazy begin');
        this.absent = absent;
      },
      arrived: () => {},
      end: () => void this.log.push('lazy end'),
      waitsFor: undefined,
    };
  }

  #setRunning(running: boolean): void {
    this.running = running;
  }

  #step<T>(step: FakeStep, result?: () => T): T {
    this.log.push(step);
    if (this.options.fail && step in this.options.fail) throw this.options.fail[step];
    if (this.options.crashIn === step) this.host?.crashed(new Error(`died in ${step}`));
    return result?.() as T;
  }
}

export const fakeConfig: MachineConfig = {
  ...defaultConfig,
  name: 'test',
  memoryMiB: 16,
  vgaMemoryMiB: 1,
  bios: { url: 'bios' },
  vgaBios: { url: 'vgabios' },
};

/** A store in memory, as far as the keeper uses one. */
export class FakeStore {
  readonly entries = new Map<string, Uint8Array>();
  readonly stored = new Map<string, { store: MemoryStore; details: unknown; name: string }>();
  quotaBytes = Number.POSITIVE_INFINITY;

  get store(): Store {
    const entries: EntryStore = {
      list: async () => [],
      get: async (name) => {
        const found = this.entries.get(name);
        if (!found) throw new HoldfastError('not-found', `There is no entry "${name}".`);
        return found;
      },
      put: async (name, bytes) => void this.entries.set(name, bytes),
      delete: async (name) => void this.entries.delete(name),
    };
    const open: Store['open'] = async (id, create): Promise<MachineStore> => {
      const found = this.stored.get(id);
      if (found && create && !create.replace && found.store.published.length > 0)
        throw new HoldfastError('storage-occupied', `Another guest is stored as "${id}".`);
      if (found) return found.store;
      if (!create) throw new HoldfastError('not-found', `There is no stored machine "${id}".`);
      const store = new MemoryStore();
      store.details = create.details;
      this.stored.set(id, {
        store,
        name: create.name,
        // A checkpoint or a test may replace them.
        get details() {
          return store.details;
        },
        set details(details) {
          store.details = details;
        },
      });
      return store;
    };
    const machines: Store['machines'] = async () =>
      [...this.stored].map(
        ([id, { store, name, details }]) =>
          ({
            id,
            name,
            details,
            sizeBytes: store.publishedBytes,
          }) as StoredMachine,
      );
    const usage: Store['usage'] = async () => {
      const sizes = [...this.stored.values()].map(({ store }) => store.storedBytes);
      const usedBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
      return { usedBytes, quotaBytes: this.quotaBytes, persisted: false };
    };
    const found = async (id: string) => {
      const { store } = this.stored.get(id) ?? {};
      if (!store) throw new HoldfastError('not-found', `There is no stored machine "${id}".`);
      return store;
    };
    const salvage: Store['salvage'] = async (id) => (await found(id)).salvage();
    const read: Store['read'] = async (id) => {
      const store = await found(id);
      const machine = (await machines()).find((row) => row.id === id) as StoredMachine;
      const [newest] = store.published;
      return {
        machine: { ...machine, ...(newest && { generation: newest.number }) },
        ...(await store.readableGenerations()),
        readRecords: (ids) => store.readRecords(ids),
      };
    };
    return {
      entries,
      open,
      machines,
      usage,
      read,
      peek: found,
      salvage,
    } as Partial<Store> as Store;
  }
}
