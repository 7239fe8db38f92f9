import { beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { createMonitor, type MonitorOptions } from './index.ts';
import { FakeMachine, runtimes } from './testing/fake-machine.ts';

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});

const run = (line: string, options: MonitorOptions = {}) =>
  createMonitor(machine, { runtimes, ...options }).execute(line);
const lines = async (line: string) => (await run(line)).lines;

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
  test('are pressed, held and released', async () => {
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

  test('a cancelled file dialog does not affect the guest', async () => {
    const files = {
      write: () => Promise.reject(),
      handle: () => Promise.reject(new HoldfastError('cancelled', 'No file was chosen.')),
      read: () => Promise.reject(new HoldfastError('cancelled', 'No file was chosen.')),
    };
    await expect(run('cprsave a restart', { files })).rejects.toMatchObject({ code: 'cancelled' });
    expect(machine.calls).toEqual([]);
  });
});

describe('migration', () => {
  const target = { migrateIncoming: async () => ({}) as never };
  const targets = async (uri: string) => (uri === 'worker:b' ? target : undefined);

  test('moves the guest to a destination that the host knows', async () => {
    const { lines: said } = await run('migrate worker:b', { targets });
    expect(machine.calls).toEqual([['migrate', target]]);
    expect(said).toEqual(['The guest has moved: it stood still for 18.3 ms, and all took 640 ms.']);
  });

  test('does not wait for the end with -d', async () => {
    const { lines: said } = await run('migrate -d worker:b', { targets });
    expect(said).toEqual(['The migration has begun: info migrate shows it.']);
  });

  test.each(['migrate worker:c', 'migrate nowhere'])('%s is refused', async (line) => {
    await expect(run(line, { targets })).rejects.toMatchObject({ code: 'bad-command' });
    await expect(run(line)).rejects.toMatchObject({ code: 'bad-command' });
  });

  test('takes a guest from a source that the host knows', async () => {
    const { port1 } = new MessageChannel();
    const origins = async (uri: string) => (uri === 'tab:b' ? port1 : undefined);
    const { lines: said } = await run('migrate_incoming -r tab:b', { origins });
    expect(machine.calls).toEqual([['migrateIncoming', port1, true]]);
    expect(said).toEqual(['The guest of machine "other" runs here.']);
    const unknown = run('migrate_incoming tab:c', { origins });
    await expect(unknown).rejects.toMatchObject({ code: 'bad-command' });
    port1.close();
  });

  test('moves the guest to the keeper that the site serves', async () => {
    expect(await lines('keeper_upgrade')).toEqual(['The site serves the keeper that runs.']);
    machine.newerKeeper = { to: { name: 'holdfast.1-a' }, downtimeMs: 20 };
    expect(await lines('keeper_upgrade -f')).toEqual([
      'The guest moved to the keeper holdfast.1-a, and stood still for 20.0 ms.',
    ]);
    expect(machine.calls).toEqual([
      ['upgradeKeeper', false],
      ['upgradeKeeper', true],
    ]);
  });

  test.each([
    ['migrate_cancel', ['migrateCancel']],
    ['migrate_continue pre-switchover', ['migrateContinue']],
    [
      'migrate_set_parameter downtime-limit 200',
      ['migrateSetParameters', { downtimeLimitMs: 200 }],
    ],
    ['migrate_set_parameter max-bandwidth 5000', ['migrateSetParameters', { maxBandwidth: 5000 }]],
    ['migrate_set_capability auto-converge off', ['migrateSetParameters', { autoConverge: false }]],
    [
      'migrate_set_capability pause-before-switchover on',
      ['migrateSetParameters', { pauseBeforeSwitchover: true }],
    ],
  ])('%s', async (line, call) => {
    await run(line);
    expect(machine.calls).toEqual([call]);
  });

  test.each(['cpr-reboot', 'cpr-exec', 'cpr-transfer'])(
    'names what mode %s is here',
    async (mode) => {
      expect((await lines(`migrate_set_parameter mode ${mode}`))[0]).toMatch(/cprsave|migrate/);
      expect(machine.calls).toEqual([]);
    },
  );

  test.each([
    'migrate_set_parameter mode fast',
    'migrate_set_parameter toString 1',
    'migrate_set_capability xbzrle on',
    'migrate_set_capability auto-converge maybe',
  ])('%s is refused with the words that are allowed', async (line) => {
    await expect(run(line)).rejects.toMatchObject({ code: 'bad-command' });
  });

  test('info migrate shows what QEMU shows', async () => {
    expect(await lines('info migrate')).toEqual(['There was no migration.']);
    machine.migration = {
      ...machine.migration,
      status: 'active',
      totalMs: 1234,
      expectedDowntimeMs: 20,
      transferredBytes: 2048,
      remainingBytes: 4096,
      totalBytes: 8192,
      isRelayed: true,
      bandwidth: 1_000_000,
      rounds: 2,
      duplicatePages: 7,
      dirtyPagesRate: 9,
      throttlePercent: 20,
    };
    expect(await lines('info migrate')).toEqual([
      'Migration status: active',
      'tcp connections: relayed by this host until they end',
      'total time: 1234 ms',
      'expected downtime: 20 ms',
      'transferred ram: 2 kbytes',
      'throughput: 8.00 mbps',
      'remaining ram: 4 kbytes',
      'total ram: 8 kbytes',
      'duplicate: 7 pages',
      'dirty sync count: 2',
      'dirty pages rate: 9 pages',
      'cpu throttle percentage: 20',
    ]);
  });
});
