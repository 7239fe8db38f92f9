/** QEMU's semantics of cprsave and cprload, row by row, with a real runtime under a real guest. */
import type {
  CprLoadOptions,
  CprMode,
  CprSaveReport,
  CprSource,
  CprTarget,
  RuntimeSource,
} from '../../src/index.ts';
import { prompt } from '../support/linux-guest.ts';
import {
  expect,
  type Guest,
  inspectPattern,
  openStandingGuest,
  patternGuest,
  type StandingGuest,
  test,
  waitForPasses,
} from '../support/test.ts';

interface SaveArguments {
  mode: CprMode;
  runtime?: RuntimeSource;
  target?: CprTarget;
}

const save = (guest: Guest, { mode, runtime, target = { kind: 'bytes' } }: SaveArguments) =>
  guest.machine((machine, [to, options]) => machine.cprSave(to, options), [
    target,
    { mode, ...(runtime && { runtime }) },
  ] as const);

const loadFrom = (guest: Guest, source: CprSource, options: CprLoadOptions = {}) =>
  guest.machine((machine, [from, how]) => machine.cprLoad(from, how), [source, options] as const);

const load = (
  guest: Guest,
  { bytes = new Uint8Array() }: CprSaveReport,
  options?: CprLoadOptions,
) => loadFrom(guest, { kind: 'bytes', bytes }, options);

const call = (
  guest: Guest,
  name: 'pause' | 'resume' | 'suspend' | 'wakeup' | 'cprCancel' | 'destroy',
) => guest.machine((machine, method) => machine[method](), name);

const runstateOf = async (guest: Guest) => (await guest.status()).runstate;

/** Run states of a machine when it is saved. */
const enterRunstate = {
  running: async () => {},
  paused: (guest: Guest) => call(guest, 'pause'),
  suspended: (guest: Guest) => call(guest, 'suspend'),
} as const;
type SavedRunstate = keyof typeof enterRunstate;
const savedRunstates = Object.keys(enterRunstate) as SavedRunstate[];

/**
 * Checks that the pattern guest has its previous run state, that its memory is right, and that it can
 * run.
 */
async function expectSavedRunstate(
  guest: Guest,
  inPage: string,
  savedRunstate: SavedRunstate,
): Promise<void> {
  expect(await runstateOf(guest)).toBe(savedRunstate);
  if (savedRunstate === 'running') {
    await waitForPasses(guest, 1);
    await call(guest, 'pause');
  }
  const still = await inspectPattern(guest, inPage);
  expect(still).toMatchObject({ ok: true });
  if (savedRunstate !== 'running') expect(await inspectPattern(guest, inPage)).toEqual(still);
  await call(guest, savedRunstate === 'suspended' ? 'wakeup' : 'resume');
  await waitForPasses(guest, 1);
}

/** Bytes in the BIOS and in the VGA ROM that nothing reads while the guest runs. */
const romBytes = [0xf0123, 0xc0777] as const;

const readBytes = (guest: Guest, addresses: readonly number[]) =>
  guest.machine(async (machine, places) => {
    const bytes: number[] = [];
    for (const place of places) bytes.push((await machine.readMemory(place, 1))[0] ?? -1);
    return bytes;
  }, addresses);

async function changeRomBytes(guest: Guest): Promise<number[]> {
  const changed = (await readBytes(guest, romBytes)).map((byte) => byte ^ 0xff);
  for (const [i, address] of romBytes.entries()) {
    await guest.machine((machine, [at, byte]) => machine.writeMemory(at, Uint8Array.of(byte)), [
      address,
      changed[i] ?? 0,
    ] as const);
  }
  return changed;
}

for (const mode of ['restart', 'reboot'] as const) {
  test.describe(`mode ${mode}`, () => {
    let standing: StandingGuest;

    test.beforeAll(async ({ browser, siteRoot, inPageBundle }) => {
      standing = await openStandingGuest({ browser, siteRoot, inPageBundle });
    });

    test.afterAll(() => standing?.close());

    const other = async () => {
      const { guest, runtimes } = standing;
      const { runtimeId } = await guest.status();
      return runtimeId === runtimes.older.id ? runtimes.newer : runtimes.older;
    };

    for (const savedRunstate of savedRunstates) {
      test(`a machine that was ${savedRunstate} has its runstate in another runtime, every dword right`, async () => {
        const { guest, inPage } = standing;
        const runtime = await other();
        await enterRunstate[savedRunstate](guest);
        const saved = await save(guest, { mode, runtime });
        expect(saved).toMatchObject({ mode, runstate: savedRunstate });
        expect(await runstateOf(guest)).toBe(mode === 'restart' ? 'inmigrate' : 'shutdown');
        const loaded = await load(guest, saved, mode === 'reboot' ? { runtime } : {});
        expect(loaded).toMatchObject({ runstate: savedRunstate, runtimeId: runtime.id });
        expect((await guest.status()).runtimeId).toBe(runtime.id);
        await expectSavedRunstate(guest, inPage, savedRunstate);
      });
    }

    test('the state goes to a named store entry and comes from there', async () => {
      const { guest, inPage } = standing;
      const target: CprTarget = { kind: 'store', name: `state-${mode}` };
      const saved = await save(guest, { mode, target });
      expect(saved.bytes).toBeUndefined();
      await loadFrom(guest, { kind: 'store', name: `state-${mode}` });
      await expectSavedRunstate(guest, inPage, 'running');
    });

    test('bytes of the BIOS and of the VGA ROM that were changed are found again', async () => {
      const { guest, inPage } = standing;
      const changed = await changeRomBytes(guest);
      const saved = await save(guest, { mode });
      await load(guest, saved);
      expect(await readBytes(guest, romBytes)).toEqual(changed);
      await expectSavedRunstate(guest, inPage, 'running');
    });

    test('a file that cannot be written leaves the guest as it was, and the file', async () => {
      const { guest, inPage } = standing;
      for (const savedRunstate of savedRunstates) {
        await enterRunstate[savedRunstate](guest);
        const outcome = await guest.machine(async (machine, saveMode) => {
          const folder = await navigator.storage.getDirectory();
          const handle = await folder.getFileHandle('state', { create: true });
          const good = await handle.createWritable();
          await good.write('what was there');
          await good.close();
          // Another writer has it open.
          const exclusive = { mode: 'exclusive' } as FileSystemCreateWritableOptions;
          const lock = await handle.createWritable(exclusive);
          const settled = await machine
            .cprSave({ kind: 'file', handle }, { mode: saveMode })
            .catch(({ code, phase }) => ({ code, phase }));
          await lock.abort();
          return [settled, await (await handle.getFile()).text()];
        }, mode);
        expect(outcome).toEqual([{ code: 'file-failed', phase: 'write' }, 'what was there']);
        await expectSavedRunstate(guest, inPage, savedRunstate);
      }
    });

    test('the state goes to a file, replacing what was there, and comes from it', async () => {
      const { guest, inPage } = standing;
      const bytes = await guest.machine(async (machine, saveMode) => {
        const folder = await navigator.storage.getDirectory();
        const handle = await folder.getFileHandle('state', { create: true });
        const { vmstateBytes } = await machine.cprSave(
          { kind: 'file', handle },
          { mode: saveMode },
        );
        const file = await handle.getFile();
        await machine.cprLoad({ kind: 'file', file });
        return [file.size, vmstateBytes];
      }, mode);
      expect(bytes[0]).toBe(bytes[1]);
      await expectSavedRunstate(guest, inPage, 'running');
    });

    test('the state of a machine that does not wait is refused, and the machine still runs', async () => {
      const { guest, inPage } = standing;
      const saved = await save(guest, { mode });
      await load(guest, saved);
      for (const savedRunstate of savedRunstates) {
        await enterRunstate[savedRunstate](guest);
        await expect(load(guest, saved)).rejects.toMatchObject({ code: 'bad-runstate' });
        await expectSavedRunstate(guest, inPage, savedRunstate);
      }
    });

    test('a damaged vmstate, or another file, is refused; the right one is then loaded', async () => {
      const { guest, inPage } = standing;
      const saved = await save(guest, { mode });
      const good = saved.bytes ?? new Uint8Array();
      const flipped = good.slice();
      flipped[good.length >> 1] = (flipped[good.length >> 1] ?? 0) ^ 4;
      for (const bytes of [new Uint8Array(), new Uint8Array(64), good.slice(0, -16), flipped]) {
        await expect(load(guest, { ...saved, bytes })).rejects.toMatchObject({
          code: 'bad-vmstate',
        });
      }
      await load(guest, saved);
      await expectSavedRunstate(guest, inPage, 'running');
    });
  });
}

test.describe('mode restart', () => {
  test.use(patternGuest);

  test('a guest that is held continues where it was when it is released', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    for (const savedRunstate of savedRunstates) {
      await enterRunstate[savedRunstate](guest);
      const { runtimeId } = await guest.status();
      await save(guest, { mode: 'restart', runtime: runtimes.older });
      await call(guest, 'cprCancel');
      expect((await guest.status()).runtimeId).toBe(runtimeId);
      await expectSavedRunstate(guest, inPage, savedRunstate);
    }
  });

  test('a runtime that fails to load leaves the guest held, for another one to load', async ({
    guest,
    inPage,
    runtimes,
    site,
  }) => {
    const url = await site.put(
      'bad/runtime.js',
      `import * as real from ${JSON.stringify(runtimes.older.url)};
      export const { abiVersion, v86Version } = real;
      export async function prepare(host, request) {
        const prepared = await real.prepare(host, request);
        return { ...prepared, load(vmstate) { prepared.load(vmstate); throw new Error('spoilt'); } };
      }`,
    );
    const bad = { ...runtimes.older, id: 'bad', url };
    const saved = await save(guest, { mode: 'restart', runtime: bad });
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(load(guest, saved)).rejects.toMatchObject({
        code: 'runtime-failed',
        phase: 'load',
      });
      expect(await runstateOf(guest)).toBe('inmigrate');
    }
    await load(guest, saved, { runtime: runtimes.older });
    await expectSavedRunstate(guest, inPage, 'running');
  });

  test('device state of another moment is refused: its RAM is gone', async ({ guest, inPage }) => {
    const stale = await save(guest, { mode: 'restart' });
    await call(guest, 'cprCancel');
    await waitForPasses(guest, 1);
    const fresh = await save(guest, { mode: 'restart' });
    await expect(load(guest, stale)).rejects.toMatchObject({ code: 'wrong-machine' });
    await load(guest, fresh);
    await expectSavedRunstate(guest, inPage, 'running');
  });

  test('device state without its RAM is refused where there is no machine', async ({ guest }) => {
    const saved = await save(guest, { mode: 'restart' });
    await call(guest, 'destroy');
    await expect(load(guest, saved)).rejects.toMatchObject({ code: 'wrong-machine' });
  });
});

test.describe('a machine that was started to wait', () => {
  test.use(patternGuest);

  test('is frozen in inmigrate, refuses other configurations, and takes the guest', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    const { config } = await guest.status();
    const saved = await save(guest, { mode: 'reboot' });
    const start = (memoryMiB: number) =>
      guest.machine(
        (machine, [asked, runtime]) =>
          machine.start(asked, runtime, { incoming: true, replace: true }),
        [{ ...config, memoryMiB }, runtimes.older] as const,
      );
    await start(64);
    expect(await runstateOf(guest)).toBe('inmigrate');
    const refused = load(guest, saved);
    await expect(refused).rejects.toMatchObject({ code: 'wrong-machine' });
    await expect(refused).rejects.toThrow(/memoryMiB is 32 in the state and 64 here/);
    await start(config.memoryMiB);
    await load(guest, saved);
    await expectSavedRunstate(guest, inPage, 'running');
    await guest.machine((machine) => machine.reset());
    await guest.waitForSerial(/pass 1\r/, { from: await guest.serial.end() });
  });
});

/**
 * Suspends the guest at the prompt. The shell queries the cursor position of the terminal at each
 * prompt. The answer is input, which would wake a suspended guest, so that this waits for it first.
 */
async function suspendAtPrompt(guest: Guest): Promise<void> {
  // At the end of the output: the terminal's answer to an older query would wake the guest.
  await guest.waitForSerial(/# .\[6n$/);
  // xterm.js processes its input in a separate task, which was queued before this one.
  await guest.page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  await call(guest, 'suspend');
}

test.describe('a suspended guest', () => {
  test('wakes of what is typed on its console, and executes it', async ({ guest }) => {
    await suspendAtPrompt(guest);
    expect(await runstateOf(guest)).toBe('suspended');
    await call(guest, 'resume');
    expect(await runstateOf(guest)).toBe('suspended');
    expect((await guest.run('echo awake')).output).toBe('awake\n');
    expect(await runstateOf(guest)).toBe('running');
  });

  test('that is paused is suspended again when it is resumed, through both modes', async ({
    guest,
  }) => {
    await guest.run('kept="a shell variable"');
    for (const mode of ['restart', 'reboot'] as const) {
      await suspendAtPrompt(guest);
      await call(guest, 'pause');
      const saved = await save(guest, { mode });
      await load(guest, saved);
      expect(await runstateOf(guest)).toBe('paused');
      await call(guest, 'resume');
      expect(await runstateOf(guest)).toBe('suspended');
      await call(guest, 'wakeup');
      expect((await guest.run('echo "$kept"')).output).toBe('a shell variable\n');
    }
  });
});

test('a Linux shell with its variables and files continues in another keeper', async ({
  guest,
  browser,
  runtimes,
}) => {
  await guest.run('kept="a shell variable"; echo file >/tmp/file');
  const before = await guest.run('cat /proc/sys/kernel/random/boot_id');
  const target: CprTarget = { kind: 'store', name: 'moves' };
  const saved = await save(guest, { mode: 'reboot', target });
  const keeperOf = () => guest.machine(({ keeper }) => keeper.instanceId);
  const keeper = await keeperOf();

  const devtools = await browser.newBrowserCDPSession();
  const { targetInfos } = await devtools.send('Target.getTargets');
  for (const { type, targetId } of targetInfos) {
    if (type === 'shared_worker') await devtools.send('Target.closeTarget', { targetId });
  }
  // Otherwise the page would resume the same checkpoint by itself, and take later ones.
  await guest.page.evaluate(() => localStorage.setItem('holdfast.resume', 'ask'));
  await guest.page.reload();
  await expect(guest.page.getByRole('button', { name: 'Resume', exact: true })).toBeVisible();
  expect(await keeperOf()).not.toBe(keeper);

  const loaded = await loadFrom(
    guest,
    { kind: 'store', name: 'moves' },
    { runtime: runtimes.older },
  );
  expect(loaded.machineId).toBe(saved.machineId);
  expect(loaded.v86Version).toBe(runtimes.older.v86Version);
  expect((await guest.run('echo "$kept"; cat /tmp/file')).output).toBe('a shell variable\nfile\n');
  const after = await guest.run('cat /proc/sys/kernel/random/boot_id');
  expect(after.output).toBe(before.output);

  // Its kernel is present for a reset, although nothing was booted in this keeper.
  const from = await guest.serial.end();
  await guest.machine((machine) => machine.reset());
  await guest.waitForSerial(prompt, { from, timeout: 60_000 });
  // Not through the shell, whose first prompt asks the terminal for its cursor meanwhile.
  expect(await guest.succeed('cat /proc/sys/kernel/random/boot_id')).not.toBe(before.output);
});

test('a disk goes with its guest through mode reboot, and another one is refused', async ({
  guest,
  runtimes,
}) => {
  const mebibyte = 1024 * 1024;
  const { config } = await guest.status();
  const startIncoming = (emptyBytes: number) =>
    guest.machine(
      (machine, [asked, runtime]) =>
        machine.start(asked, runtime, { replace: true, incoming: true }),
      [{ ...config, hda: { emptyBytes } }, runtimes.newer] as const,
    );
  await guest.start(runtimes.newer, { hda: { emptyBytes: 4 * mebibyte } });
  await guest.waitForSerial(prompt, { timeout: 60_000 });
  await guest.run('dd if=/dev/urandom of=/dev/sda bs=64k count=20 2>/dev/null; sync');
  const sum = 'echo 3 >/proc/sys/vm/drop_caches; sha256sum </dev/sda';
  const { output: written } = await guest.run(sum);
  const saved = await save(guest, { mode: 'reboot' });

  await startIncoming(8 * mebibyte);
  const refused = load(guest, saved);
  await expect(refused).rejects.toMatchObject({ code: 'wrong-disk' });
  await expect(refused).rejects.toThrow(/4194304/);
  await expect(refused).rejects.toThrow(/8388608/);
  expect(await runstateOf(guest)).toBe('inmigrate');

  await startIncoming(4 * mebibyte);
  await load(guest, saved, { runtime: runtimes.older });
  expect((await guest.run(sum)).output).toBe(written);
});

test('RAM blocks are listed with their digests, and are the same after a live update', async ({
  guest,
  runtimes,
}) => {
  const blocks = (digests: boolean) =>
    guest.machine((machine, wanted) => machine.ramBlocks({ digests: wanted }), digests);
  const moving = await blocks(true);
  expect(moving.every((block) => block.moving)).toBe(true);
  await call(guest, 'pause');
  const before = await blocks(true);
  expect(before.map(({ name }) => name)).toEqual([
    'pc.ram',
    'vga.vram',
    'vga.planes',
    'pc.bios',
    'vga.rom',
    expect.stringMatching(/^fw_cfg /),
  ]);
  expect(before.find(({ name }) => name === 'pc.bios')).toMatchObject({
    guestAddress: 0xe0000,
    sizeBytes: 0x20000,
    partOf: 'pc.ram',
  });
  for (const { digest, moving: isMoving } of before) {
    expect(digest).toMatch(/^xxh64:[0-9a-f]{16}$/);
    expect(isMoving).toBeUndefined();
  }
  await guest.liveUpdate(runtimes.older);
  expect(await blocks(true)).toEqual(before);
  expect((await blocks(false)).some((block) => 'digest' in block)).toBe(false);
});

test.describe('blockers', () => {
  test.use(patternGuest);

  test('are none for a guest whose devices can all follow', async ({ guest }) => {
    for (const mode of ['restart', 'reboot'] as const)
      expect(await guest.machine((machine, asked) => machine.cprBlockers(asked), mode)).toEqual([]);
  });
});

test.describe('a guest that no page shows', () => {
  test.use(patternGuest);

  test('is suspended after a while if it is to be, and wakes when its page is shown', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    const { config } = await guest.status();
    await guest.machine(
      (machine, [asked, runtime]) => machine.start(asked, runtime, { replace: true }),
      [{ ...config, suspendWhenHiddenMs: 200 }, runtimes.newer] as const,
    );
    const show = (state: DocumentVisibilityState) =>
      guest.page.evaluate((shown) => {
        Object.defineProperty(document, 'visibilityState', { value: shown, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    await show('hidden');
    await expect.poll(() => runstateOf(guest)).toBe('suspended');
    await show('visible');
    await expect.poll(() => runstateOf(guest)).toBe('running');
    await expectSavedRunstate(guest, inPage, 'running');
  });
});

test.describe('a machine that must be able to follow', () => {
  test.use(patternGuest);

  test('is refused at start with a disk that cannot be opened again, and the one before still runs', async ({
    guest,
    inPage,
    runtimes,
  }) => {
    const { config } = await guest.status();
    const started = guest.machine(
      (machine, [asked, runtime]) =>
        machine.start(
          { ...asked, onlyCprCapable: true, hda: { bytes: new Uint8Array(1024 * 1024) } },
          runtime,
          { replace: true },
        ),
      [config, runtimes.newer] as const,
    );
    await expect(started).rejects.toMatchObject({ code: 'blocked' });
    await expect(started).rejects.toThrow(/hda/);
    await expectSavedRunstate(guest, inPage, 'running');
  });
});
