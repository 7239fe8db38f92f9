/** QEMU's semantics of cprsave and cprload in both modes, with a real runtime under a real guest. */
import type { CprTarget } from '../../src/index.ts';
import {
  call,
  enterRunstate,
  expectSavedRunstate,
  load,
  loadFrom,
  runstateOf,
  save,
  savedRunstates,
} from '../support/cpr.ts';
import {
  expect,
  type Guest,
  openStandingGuest,
  patternGuest,
  type StandingGuest,
  test,
} from '../support/test.ts';

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
