import { beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '../errors.ts';
import type { CprSource, CprTarget } from '../protocol/cpr.ts';
import type { MachineStatus, Runstate } from '../protocol/events.ts';
import type { KeeperInfo } from '../protocol/keeper-api.ts';
import type { CpuRegisters, SegmentRegister } from '../protocol/registers.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import { createMonitor, type MonitorMachine, type MonitorOptions } from './index.ts';

const runtime = (v86Version: string): RuntimeSource => ({
  id: `${v86Version}-abc`,
  v86Version,
  url: `https://site/${v86Version}.js`,
  wasmUrl: `https://site/${v86Version}.wasm`,
});
const runtimes = [runtime('0.5.462'), runtime('0.5.409')];
const none: SegmentRegister = { selector: 0, base: 0, limit: 0, flags: 0 };
const registers: CpuRegisters = {
  general: { eax: 0, ebx: 0, ecx: 0, edx: 0, esi: 0, edi: 0, ebp: 0, esp: 0x100 },
  eip: 0x7c00,
  eflags: 2,
  cpl: 0,
  halted: false,
  segments: { es: none, cs: none, ss: none, ds: none, fs: none, gs: none, ldt: none, tr: none },
  gdt: { base: 0, limit: 0 },
  idt: { base: 0, limit: 0 },
  cr0: 0,
  cr2: 0,
  cr3: 0,
  cr4: 0,
  debug: [0, 0, 0, 0, 0, 0, 0, 0],
  fpu: { controlWord: 0, statusWord: 0, tagWord: 0, registers: [] },
  mxcsr: 0,
  xmm: [],
};
const keeper: KeeperInfo = {
  abiVersion: 1,
  instanceId: 'keeper',
  survivesPages: true,
  startedAtMs: 0,
  machine: null,
};

/** Records its calls; 4 KiB of memory in which each byte is its address. */
class FakeMachine implements MonitorMachine {
  readonly keeper = keeper;
  readonly calls: unknown[][] = [];
  status: MachineStatus | null = {
    runstate: 'running',
    config: {} as MachineStatus['config'],
    runtimeId: '0.5.462-abc',
    v86Version: '0.5.462',
    mips: 100,
    bootedAtMs: 0,
    restarts: 3,
    lastPauseMs: 2.46,
    pages: 1,
  };
  readonly entries = new Map<string, Uint8Array>();
  readonly storage = { states: async () => [{ name: 'before lunch' }, { name: 'old' }] };

  setRunstate(runstate: Runstate): void {
    if (this.status) this.status = { ...this.status, runstate };
  }

  #call(...call: unknown[]): void {
    this.calls.push(call);
  }

  async pause() {
    this.#call('pause');
  }
  async resume() {
    this.#call('resume');
  }
  async reset() {
    this.#call('reset');
  }
  async systemPowerdown() {
    throw new HoldfastError('bad-config', 'This machine has no ACPI.');
  }
  async suspend() {
    this.#call('suspend');
  }
  async wakeup() {
    this.#call('wakeup');
  }
  async type(text: string) {
    this.#call('type', text);
  }
  async scancodes(codes: readonly number[]) {
    this.#call('scancodes', ...codes);
  }
  async restart({ runtime: to }: { runtime: RuntimeSource }) {
    this.#call('restart', to.id);
    const timings = {
      prepareMs: 0,
      stopMs: 0,
      saveMs: 0,
      swapMs: 0,
      loadMs: 0,
      pauseMs: 2.5,
      vmstateBytes: 0,
    };
    return { runtimeId: to.id, v86Version: to.v86Version, timings };
  }
  async readMemory(address: number, length: number) {
    if (address + length > 4096)
      throw new HoldfastError('bad-config', 'The guest has no memory there.');
    return Uint8Array.from({ length }, (_, index) => address + index);
  }
  async ramBlocks({ digests = false } = {}) {
    return [
      { name: 'pc.ram', address: 0x4000000, guestAddress: 0, sizeBytes: 0x8000000 },
      {
        name: 'pc.bios',
        guestAddress: 0xe0000,
        sizeBytes: 0x20000,
        partOf: 'pc.ram',
        ...(digests && { digest: 'xxh64:0011', moving: true }),
      },
    ];
  }
  async infoRegisters() {
    return registers;
  }
  async infoNetwork() {
    return {
      device: 'ne2k' as const,
      mac: '00:22:15:01:02:03',
      backend: { kind: 'wisp' as const, url: 'wss://relay/' },
      connections: [{ guest: '192.168.86.100:4242', remote: '93.184.216.34:80' }],
      framesOut: 12,
      bytesOut: 1234,
      framesIn: 10,
      bytesIn: 9876,
      dropped: 0,
      waiting: 1,
    };
  }
  async infoBlock() {
    return [
      {
        device: 'hda' as const,
        kind: 'disk' as const,
        medium: {
          base: 'https://site/disk.img',
          backing: 'range' as const,
          sizeBytes: 8192,
          overlay: { blocks: 2, generation: 5 },
          cache: { chunks: 1, hits: 3, misses: 1 },
        },
        inFlight: 1,
      },
      { device: 'cdrom' as const, kind: 'cdrom' as const, inFlight: 0 },
    ];
  }
  async changeMedia(device: string, source: object) {
    const text = 'file' in source ? await (source.file as Blob).text() : source;
    this.#call('changeMedia', device, text);
  }
  async ejectMedia(device: string) {
    this.#call('ejectMedia', device);
  }
  async screen() {
    const pixels = new Uint8ClampedArray(2 * 3 * 4).fill(255);
    return { mode: 'graphics' as const, width: 2, height: 3, pixels };
  }
  async cprSave(
    target: CprTarget,
    options: { mode: 'restart' | 'reboot'; runtime?: RuntimeSource },
  ) {
    this.#call('cprSave', target.kind, options.mode, options.runtime?.id);
    const bytes = Uint8Array.of(1, 2, 3);
    if (target.kind === 'store') this.entries.set(target.name, bytes);
    return {
      mode: options.mode,
      machineId: 'machine',
      runstate: 'running' as const,
      savedAtMs: 0,
      vmstateBytes: 3,
      ...(target.kind === 'bytes' && { bytes }),
      timings: { prepareMs: 0, saveMs: 0, writeMs: 0 },
    };
  }
  async cprLoad(source: CprSource) {
    const bytes =
      source.kind === 'file'
        ? new Uint8Array(await source.file.arrayBuffer())
        : source.kind === 'store'
          ? this.entries.get(source.name)
          : source.bytes;
    if (!bytes) throw new HoldfastError('not-found', 'There is no such entry.');
    this.#call('cprLoad', ...bytes);
    return {
      machineId: 'machine',
      runstate: 'running' as const,
      savedAtMs: 0,
      runtimeId: '0.5.409-abc',
      v86Version: '0.5.409',
      timings: { readMs: 0, prepareMs: 0, loadMs: 0 },
    };
  }
  async cprCancel() {
    this.#call('cprCancel');
  }
  async cprBlockers(mode: 'restart' | 'reboot') {
    if (mode === 'restart') return [];
    return [
      { code: 'volatile-ram' as const, message: 'There is no storage here.' },
      { code: 'disk-not-reopenable' as const, device: 'hda', message: 'Save the disk first.' },
    ];
  }
}

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});

const run = (line: string, options: MonitorOptions = {}) =>
  createMonitor(machine, { runtimes, ...options }).execute(line);
const lines = async (line: string) => (await run(line)).lines;

describe('commands without arguments', () => {
  test.each([
    ['stop', 'pause'],
    ['s', 'pause'],
    ['cont', 'resume'],
    ['c', 'resume'],
    ['system_reset', 'reset'],
    ['system_wakeup', 'wakeup'],
    ['suspend', 'suspend'],
    ['cpr_cancel', 'cprCancel'],
  ])('%s calls %s and says nothing', async (line, call) => {
    expect(await lines(line)).toEqual([]);
    expect(machine.calls).toEqual([[call]]);
  });

  test('an empty line does nothing', async () => {
    expect(await lines('   ')).toEqual([]);
    expect(machine.calls).toEqual([]);
  });

  test('what the machine rejects with comes through', async () => {
    await expect(run('system_powerdown')).rejects.toMatchObject({ code: 'bad-config' });
  });
});

describe('errors of the line', () => {
  test.each([
    ['foo', "unknown command: 'foo'"],
    ['info foo', "unknown command: 'info foo'"],
    ['info b', 'Did you mean: info block, info blockers'],
    ['system', 'Did you mean: system_powerdown, system_reset, system_wakeup?'],
    ['stop now', 'stop: extraneous characters at the end of line'],
    ['cprsave', 'cprsave: filename expected\nUsage: cprsave file mode [runtime]'],
    ['cprsave a', 'cprsave: mode (restart or reboot) expected'],
    ['cprsave a sideways', "cprsave: invalid mode 'sideways'"],
    ['cprsave a restart 0.1', "There is no runtime '0.1'. There are: 0.5.462, 0.5.409."],
    ['xp', 'xp: integer expected'],
    ['xp zz', "'zz': invalid char 'z'"],
    ['xp -1', 'xp: addr must be 0 or more'],
    ['pmemsave 0 0 f', 'pmemsave: size must be 1 or more'],
    ['pmemsave 0 4G f', 'more than any guest has'],
    ['screendump -x f', 'screendump: unsupported option -x'],
    ['screendump -f gif f', "invalid format 'gif'"],
    ['sendkey foo', 'invalid parameter: foo'],
    ['sendkey a 600000', 'hold_ms must be 60000 or less'],
    ['eject', 'eject: block device name expected'],
    ['eject hda', "eject: Device 'hda' is not removable"],
    ['eject floppy', "eject: Device 'floppy' not found. There are: hda, hdb, cdrom, fda, fdb."],
    ['change cdrom empty:x', "'x': invalid char 'x'"],
    ['help foo', "unknown command: 'foo'"],
    ['constructor', "unknown command: 'constructor'"],
  ])('%s', async (line, message) => {
    const error = await run(line).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: 'bad-command' });
    expect((error as HoldfastError).message).toContain(message);
    expect(machine.calls).toEqual([]);
  });

  test('without a machine there is nothing to be told', async () => {
    machine.status = null;
    await expect(run('info status')).rejects.toMatchObject({ code: 'no-machine' });
  });
});

describe('info', () => {
  test.each([
    ['running', 'VM status: running'],
    ['paused', 'VM status: paused'],
    ['suspended', 'VM status: paused (suspended)'],
    ['inmigrate', 'VM status: paused (inmigrate)'],
  ] as const)('status of a machine that is %s', async (runstate, line) => {
    machine.setRunstate(runstate);
    expect(await lines('info status')).toEqual([line]);
  });

  test('version', async () => {
    expect(await lines('info version')).toEqual([
      'v86 0.5.462 (runtime 0.5.462-abc)',
      'Holdfast keeper with ABI 1 (instance keeper)',
    ]);
  });

  test('network', async () => {
    expect(await lines('info network')).toEqual([
      'net0: type=nic,model=ne2k,macaddr=00:22:15:01:02:03',
      ' \\ backend: type=wisp,url=wss://relay/',
      '   out: 12 frames, 1234 bytes',
      '   in: 10 frames, 9876 bytes, 0 dropped, 1 waiting',
      '   tcp: 192.168.86.100:4242 -> 93.184.216.34:80',
    ]);
  });

  test('ramblocks, with digests when asked', async () => {
    expect(await lines('info ramblocks')).toEqual([
      'Block Name      Offset       Guest        Size',
      'pc.ram      0x04000000  0x00000000  0x08000000',
      '  pc.bios               0x000e0000  0x00020000',
    ]);
    const digested = await lines('info ramblocks -d');
    expect(digested[2]).toMatch(/xxh64:0011$/);
    expect(digested.at(-1)).toContain('Stop it first');
  });

  test('blockers, of one mode or both', async () => {
    expect(await lines('info blockers restart')).toEqual(['restart: nothing is in the way']);
    expect(await lines('info blockers')).toEqual([
      'restart: nothing is in the way',
      'reboot: blocked',
      '  There is no storage here. (volatile-ram)',
      '  hda: Save the disk first. (disk-not-reopenable)',
    ]);
  });

  test('cpr says what comes next', async () => {
    expect((await lines('info cpr'))[0]).toBe(
      'Restarts in place: 3, the last with a pause of 2.5 ms',
    );
    machine.setRunstate('inmigrate');
    expect((await lines('info cpr'))[1]).toContain('cprload FILE resumes from it');
  });

  test('alone, it lists its topics', async () => {
    expect(await lines('info')).toEqual(await lines('help info'));
    expect(await lines('info')).toContain('info status -- show whether the guest runs');
  });

  test('history', async () => {
    const monitor = createMonitor(machine, { history: ['stop'] });
    expect((await monitor.execute('info history')).lines).toEqual([
      "0: 'stop'",
      "1: 'info history'",
    ]);
  });
});

describe('drives', () => {
  test('info block shows them', async () => {
    expect(await lines('info block')).toEqual([
      'hda: https://site/disk.img (range, 8192 bytes)',
      '    Overlay: 2 blocks of 4 KiB, 5 writes',
      '    Cache: 1 chunks of 64 KiB, 3 hits, 1 misses',
      '    Waiting: 1 operations',
      'cdrom: [not inserted]',
    ]);
  });

  test('change takes URLs, empty media and files', async () => {
    const files = { write: () => Promise.reject(), read: async () => new Blob(['contents']) };
    await run('change cdrom https://site/a.iso', { files });
    await run('change fda empty:1440K', { files });
    await run('change fdb floppy.img', { files });
    await run('change cdrom', { files });
    expect(machine.calls).toEqual([
      ['changeMedia', 'cdrom', { url: 'https://site/a.iso' }],
      ['changeMedia', 'fda', { emptyBytes: 1474560 }],
      ['changeMedia', 'fdb', 'contents'],
      ['changeMedia', 'cdrom', 'contents'],
    ]);
  });

  test('eject empties a drive, with -f as without', async () => {
    await run('eject cdrom');
    await run('eject -f fda');
    expect(machine.calls).toEqual([
      ['ejectMedia', 'cdrom'],
      ['ejectMedia', 'fda'],
    ]);
  });
});

describe('keys', () => {
  test('are pressed, held and let go', async () => {
    await run('sendkey ctrl-a 1');
    expect(machine.calls).toEqual([
      ['scancodes', 0x1d, 0x1e],
      ['scancodes', 0x9e, 0x9d],
    ]);
  });
});

test('[K5] text is typed in the layout of the machine', async () => {
  await run('sendtext "grün\\n"');
  expect(machine.calls).toEqual([['type', 'grün\n']]);
});

describe('memory', () => {
  test('xp and x show it', async () => {
    expect(await lines('xp /4xb 0x10')).toEqual(['0000000000000010: 0x10 0x11 0x12 0x13']);
    expect(await lines('x /1xw $esp+4')).toEqual(['00000104: 0x07060504']);
  });

  test('beyond its end is an error', async () => {
    await expect(run('xp 0x2000')).rejects.toMatchObject({ code: 'bad-config' });
  });

  test('pmemsave and memsave hand over its bytes', async () => {
    for (const command of ['pmemsave', 'memsave']) {
      const { files } = await run(`${command} 0x10 4 "some memory.bin"`);
      expect(files).toEqual([
        {
          name: 'some memory.bin',
          type: 'application/octet-stream',
          bytes: Uint8Array.of(0x10, 0x11, 0x12, 0x13),
        },
      ]);
    }
  });

  test('print evaluates', async () => {
    expect(await lines('p /x $eip+16*4')).toEqual(['0x7c40']);
    expect(await lines('p -5')).toEqual(['-5']);
    expect(await lines('gva2gpa 0x123')).toEqual(['gpa: 0x123']);
  });
});

describe('screendump', () => {
  test('writes PNG, or PPM when asked', async () => {
    const type = async (line: string) => (await run(line)).files[0]?.type;
    expect(await type('screendump a.png')).toBe('image/png');
    expect(await type('screendump a')).toBe('image/png');
    expect(await type('screendump a.ppm')).toBe('image/x-portable-pixmap');
    expect(await type('screendump -f ppm a.png')).toBe('image/x-portable-pixmap');
  });
});

describe('restart', () => {
  test('goes to the runtime that is named, or to the one that is there', async () => {
    expect(await lines('restart 0.5.409')).toEqual([
      'Now on v86 0.5.409; the guest stood still for 2.5 ms.',
    ]);
    await run('restart');
    expect(machine.calls).toEqual([
      ['restart', '0.5.409-abc'],
      ['restart', '0.5.462-abc'],
    ]);
  });
});

describe('cprsave and cprload', () => {
  test('to a store entry and back', async () => {
    expect(await lines('cprsave store:a restart 0.5.409')).toEqual([
      "Saved 3 bytes to 'store:a'. The machine waits for it. cprload store:a resumes from it, cpr_cancel resumes without it.",
    ]);
    expect(await lines('cprload store:a')).toEqual([
      "Loaded 'store:a': the guest is running on v86 0.5.409.",
    ]);
    expect(machine.calls).toEqual([
      ['cprSave', 'store', 'restart', '0.5.409-abc'],
      ['cprLoad', 1, 2, 3],
    ]);
    await expect(run('cprload store:b')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('as bytes for a caller without files', async () => {
    const { files, lines: said } = await run('cprsave my.cpr reboot');
    expect(files[0]).toMatchObject({ name: 'my.cpr', bytes: Uint8Array.of(1, 2, 3) });
    expect(said[0]).toContain('The machine has ended');
    await expect(run('cprload my.cpr')).rejects.toThrow('this monitor has no files');
  });

  test("into the host's files; a handle is the keeper's to write to", async () => {
    const kept = new Map<string, Uint8Array<ArrayBuffer>>();
    const files = {
      write: async (name: string, _type: string, bytes: Uint8Array) =>
        void kept.set(name, new Uint8Array(bytes)),
      read: async (name: string) => new Blob([kept.get(name) ?? new Uint8Array()]),
    };
    await run('cprsave a restart', { files });
    await run('cprload a', { files });
    expect(machine.calls).toEqual([
      ['cprSave', 'bytes', 'restart', undefined],
      ['cprLoad', 1, 2, 3],
    ]);
    const handle = {} as FileSystemFileHandle;
    const written = await run('cprsave a restart', {
      files: { ...files, handle: async () => handle },
    });
    expect(machine.calls.at(-1)).toEqual(['cprSave', 'file', 'restart', undefined]);
    expect(written.files[0]).toEqual({ name: 'a', type: 'application/octet-stream' });
  });

  test('a file that nobody chose leaves the guest alone', async () => {
    const files = {
      write: () => Promise.reject(),
      handle: () => Promise.reject(new HoldfastError('cancelled', 'No file was chosen.')),
      read: () => Promise.reject(new HoldfastError('cancelled', 'No file was chosen.')),
    };
    await expect(run('cprsave a restart', { files })).rejects.toMatchObject({ code: 'cancelled' });
    expect(machine.calls).toEqual([]);
  });
});

describe('help', () => {
  test('has a line for every command and says how it is called', async () => {
    const all = await lines('help');
    expect(all).toContain('cont|c -- resume emulation');
    expect(all).toEqual(expect.arrayContaining([...(await lines('help sendkey'))]));
    expect(await lines('? xp')).toEqual([
      "xp /fmt addr -- show memory at a physical address, e.g. 'xp /64xb 0x7c00'",
    ]);
    expect(await lines('help info status')).toEqual(['info status -- show whether the guest runs']);
  });
});

describe('completion', () => {
  const files = {
    write: () => Promise.reject(),
    read: () => Promise.reject(),
    names: async () => ['lunch.vmstate'],
  };
  const complete = (line: string, cursor?: number) =>
    createMonitor(machine, { runtimes, files }).complete(line, cursor);

  test.each([
    ['scr', 'screendump '],
    ['system_p', 'system_powerdown '],
    ['inf', 'info '],
    ['info st', 'info status '],
    ['info bl', 'info block'],
    ['eject f', 'eject fd'],
    ['change c', 'change cdrom '],
    ['info blockers reb', 'info blockers reboot '],
    ['help scr', 'help screendump '],
    ['help info st', 'help info status '],
    ['sendkey ctrl-alt-del', 'sendkey ctrl-alt-delete'],
    ['cprload store:o', 'cprload store:old '],
    ['cprload store:b', 'cprload "store:before lunch" '],
    ['cprload "store:before l', 'cprload "store:before lunch" '],
    ['cprsave x res', 'cprsave x restart '],
    ['cprsave x restart 0.5.40', 'cprsave x restart 0.5.409 '],
    ['restart 0.5', 'restart 0.5.4'],
    ['screendump -', 'screendump -f '],
    ['xyz', 'xyz'],
    ['stop ', 'stop '],
  ])('"%s" becomes "%s"', async (line, completed) => {
    const { line: to, cursor } = await complete(line);
    expect(to).toBe(completed);
    expect(cursor).toBe(completed.length);
  });

  test('offers what a word could become', async () => {
    expect((await complete('system_')).candidates).toEqual([
      'system_powerdown',
      'system_reset',
      'system_wakeup',
    ]);
    expect((await complete('sendkey ctrl-f1')).candidates).toContain('ctrl-f12');
    expect((await complete('cprload ')).candidates).toEqual([
      'lunch.vmstate',
      'store:before lunch',
      'store:old',
    ]);
    expect((await complete('screendump ')).candidates).toEqual(['lunch.vmstate']);
    expect((await complete('')).candidates).not.toContain('c');
  });

  test('goes on without the states where storage cannot be read', async () => {
    Object.assign(machine, { storage: { states: () => Promise.reject(new Error('no')) } });
    expect((await complete('cprload ')).candidates).toEqual(['lunch.vmstate']);
  });

  test('keeps what stands right of the cursor', async () => {
    expect(await complete('inf status', 3)).toMatchObject({ line: 'info  status', cursor: 5 });
  });
});
