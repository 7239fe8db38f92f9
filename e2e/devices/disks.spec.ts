/** Disks of every kind under a real Linux, through live updates. */
import { createHash } from 'node:crypto';
import type { DriveName, MachineConfig, MachineEvent } from '../../src/index.ts';
import { floppyBootSector } from '../../tools/guests/floppy/boot-sector.ts';
import { DiskServer, noise } from '../support/disk-server.ts';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { expect, type Guest, patternGuest, type Runtimes, test } from '../support/test.ts';

const mebibyte = 1 << 20;

// The machine that the page starts by itself is replaced as soon as it runs.
test.use({ guestReady: /^/ });

/** Boots Linux with these drives. */
async function startWith(
  guest: Guest,
  runtimes: Runtimes,
  drives: Partial<MachineConfig>,
  ready = prompt,
): Promise<void> {
  await guest.start(runtimes.newer, drives);
  await guest.waitForSerial(ready);
}

const block = async (guest: Guest, device: string) =>
  (await guest.machine((machine) => machine.infoBlock())).find((drive) => drive.device === device);

/** Blockers of a reboot, by code and device. */
const blockers = async (guest: Guest) =>
  (await guest.machine((machine) => machine.cprBlockers('reboot'))).map(
    ({ code, device }) => [code, device] as const,
  );

/** Drops the caches of the guest's kernel. */
const dropCaches = 'sync; echo 3 >/proc/sys/vm/drop_caches';

test.describe('a disk that is read in ranges from a web server', () => {
  let server: DiskServer;
  test.beforeEach(async () => {
    server = await DiskServer.serve(noise(6 * mebibyte));
  });
  test.afterEach(() => server.close());

  const hda = () => ({ hda: { url: server.url, load: 'range' as const } });

  test('is never fetched as a whole, and is read on through live updates', async ({
    guest,
    runtimes,
  }) => {
    await startWith(guest, runtimes, hda());
    const fetched = () => server.requests.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(fetched()).toBeLessThan(server.contents.length / 2);

    // A slow server: the guest waits for its disk nearly all the time, and for longer than two
    // updates take. The first of them has to compile a runtime.
    server.behave({ delayMs: 300 });
    await guest.run('dd if=/dev/sda bs=64k 2>/dev/null | sha256sum >/tmp/sum & reader=$!');
    for (const runtime of [runtimes.older, runtimes.newer]) {
      const requests = server.requests.length;
      await guest.liveUpdate(runtime);
      await expect.poll(() => server.requests.length).toBeGreaterThan(requests);
    }
    expect((await guest.run('kill -0 $reader')).exitCode, 'the read ended too early').toBe(0);
    server.behave({});
    await guest.run('wait $reader', { timeout: 60_000 });
    expect((await guest.run('cat /tmp/sum')).output).toContain(server.sha256);
  });

  test('is asked again by the runtime that has the guest: no checkpoint, update or export waits for its server', {
    tag: '@slow',
  }, async ({ guest, runtimes }) => {
    test.setTimeout(180_000);
    await startWith(guest, runtimes, hda());
    await guest.machine((machine) => machine.checkpoint());
    server.behave({ hold: true });
    await guest.run('dd if=/dev/sda bs=64k skip=20 2>/dev/null | sha256sum >/tmp/sum & reader=$!');
    await expect.poll(() => server.held).toBeGreaterThan(0);
    // The status names it.
    await expect(playground(guest.page).notices).toContainText(server.url);
    await guest.liveUpdate(runtimes.older);
    const { takenAtMs, snapshot } = await guest.machine(async (machine) => ({
      takenAtMs: (await machine.checkpoint()).takenAtMs,
      snapshot: await machine.snapshot(),
    }));
    expect(takenAtMs).toBeGreaterThan(0);
    const exportedBytes = await guest.machine(
      async (machine) => (await new Response(machine.exportState()).arrayBuffer()).byteLength,
    );
    expect(exportedBytes).toBeGreaterThan(1_000_000);
    expect((await guest.run('echo alive')).output).toBe('alive\n');
    expect((await block(guest, 'hda'))?.inFlight).toBe(1);
    await guest.machine((machine, taken) => machine.restore(taken), snapshot);
    expect((await block(guest, 'hda'))?.inFlight).toBe(1);
    server.behave({});
    await guest.run('wait $reader', { timeout: 60_000 });
    await expect(playground(guest.page).notices).not.toContainText(server.url);
    const { output } = await guest.run(
      'cat /tmp/sum; dd if=/dev/sda bs=64k skip=20 2>/dev/null | sha256sum',
    );
    const [first, second] = output.trim().split('\n');
    expect(first).toBe(second);
  });

  test('waits while its server is away, and the page reports it', async ({ guest, runtimes }) => {
    await startWith(guest, runtimes, hda());
    const events = await watchDisks(guest);
    server.behave({ status: 503 });
    await guest.run('dd if=/dev/sda bs=64k skip=40 2>/dev/null | sha256sum >/tmp/sum & reader=$!');
    await expect.poll(events).toContainEqual(['hda', 'waiting']);
    server.behave({});
    await expect.poll(events).toContainEqual(['hda', 'ready']);
    expect((await guest.run('wait $reader', { timeout: 60_000 })).exitCode).toBe(0);
  });

  test('that is another one now is a disk error, not a mixture of two disks', async ({
    guest,
    runtimes,
  }) => {
    await startWith(guest, runtimes, hda());
    const events = await watchDisks(guest);
    server.behave({ etag: '"2"' });
    expect(await blockers(guest)).toContainEqual(['disk-changed', 'hda']);
    const { exitCode } = await guest.run('dd if=/dev/sda of=/dev/null bs=64k skip=40', {
      timeout: 60_000,
    });
    expect(exitCode).not.toBe(0);
    await expect.poll(events).toContainEqual(['hda', 'failed']);
    expect((await block(guest, 'hda'))?.medium?.changed).toContain('"2"');
    expect((await guest.run('echo alive')).output).toBe('alive\n');
  });
});

/** Collects the events about disks. */
async function watchDisks(guest: Guest): Promise<() => Promise<[string, string][]>> {
  await guest.machine((machine) => {
    const seen: [string, string][] = [];
    machine.on('disk', ({ device, state }: MachineEvent & { type: 'disk' }) => {
      seen.push([device, state]);
    });
    Object.assign(window, { diskEvents: seen });
  });
  return () =>
    guest.page.evaluate(() => (window as unknown as { diskEvents: [string, string][] }).diskEvents);
}
declare const window: Window;

/** SHA-256 of a disk's raw image, taken out of the machine. */
const imageSum = (guest: Guest, device: DriveName): Promise<string> =>
  guest.machine(async (machine, name) => {
    const image = await new Response(machine.diskImage(name)).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', image));
    return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }, device);

/** Returns the output of `sha256sum` for a file in the guest. */
async function guestSum(guest: Guest, file: string): Promise<string> {
  const { output } = await guest.run(`${dropCaches}; sha256sum <${file}`, { timeout: 60_000 });
  return output.slice(0, 64);
}

test('disk writes survive live updates in both directions, and can be exported', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  test.setTimeout(180_000);
  const base = noise(2 * mebibyte);
  await startWith(guest, runtimes, {
    hda: { emptyBytes: 8 * mebibyte },
    hdb: { bytes: base },
  });
  const mounted = await guest.run('mke2fs -q /dev/sda && mkdir /d && mount -t ext2 /dev/sda /d');
  expect(mounted.exitCode, mounted.output).toBe(0);
  const sums: string[] = [];
  for (const runtime of [runtimes.older, runtimes.newer]) {
    // Half of it is in transit to the disks when the guest is handed over.
    await guest.run('dd if=/dev/urandom of=/d/file bs=64k count=24 2>/dev/null; sync & true');
    await guest.run('dd if=/dev/urandom of=/dev/sdb bs=4k seek=100 count=64 2>/dev/null & true');
    await guest.liveUpdate(runtime);
    const { output } = await guest.run('wait; sha256sum </d/file; sha256sum </dev/sdb');
    const [file = '', disk = ''] = output.split('\n').map((line) => line.slice(0, 64));
    expect(await guestSum(guest, '/d/file')).toBe(file);
    expect(await guestSum(guest, '/dev/sdb')).toBe(disk);
    sums.push(file, disk);
  }
  expect(new Set(sums).size, 'each round writes something else').toBe(sums.length);
  expect((await guest.run('umount /d && mount -t ext2 /dev/sda /d')).exitCode).toBe(0);
  expect(await guestSum(guest, '/d/file')).toBe(sums.at(-2));
  await guest.run('umount /d');

  const inGuest = [await guestSum(guest, '/dev/sda'), await guestSum(guest, '/dev/sdb')];
  await expect(guest.machine((machine) => machine.resetDisk('hdb'))).rejects.toMatchObject({
    code: 'bad-runstate',
  });
  await guest.machine((machine) => machine.pause());
  expect([await imageSum(guest, 'hda'), await imageSum(guest, 'hdb')]).toEqual(inGuest);
  // The base was never written to.
  await guest.machine((machine) => machine.resetDisk('hdb'));
  expect(await imageSum(guest, 'hdb')).toBe(sha256(base));
});

test('the largest disk is whole for the guest, and is exported without its emptiness', async ({
  guest,
  runtimes,
}) => {
  const sizeBytes = 2 ** 41 - 512;
  await expect(
    guest.start(runtimes.newer, { hda: { emptyBytes: sizeBytes + 512 } }),
  ).rejects.toMatchObject({ code: 'bad-config', message: expect.stringContaining('hda') });
  await startWith(guest, runtimes, { hda: { emptyBytes: sizeBytes } });
  const last = sizeBytes / 512 - 1;
  const { output } = await guest.run(
    `cat /sys/block/sda/size; echo last | dd of=/dev/sda bs=512 seek=${last} conv=sync 2>/dev/null; sync`,
  );
  expect(output).toBe(`${sizeBytes / 512}\n`);
  const exported = await guest.machine(async (machine, end) => {
    await machine.checkpoint();
    const id = machine.status?.config.id ?? '';
    const { blob } = await machine.storage.export(id, { kind: 'disk', device: 'hda' });
    const { blob: all } = await machine.storage.export(id, { kind: 'everything' });
    const text = await blob.slice(end - 512, end - 507).text();
    return { sizeBytes: blob.size, text, isInArchive: all.size > end };
  }, sizeBytes);
  expect(exported).toEqual({ sizeBytes, text: 'last\n', isInArchive: true });
});

test('a CD from a local file is read through a live update, changed and ejected', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  const first = noise(3 * mebibyte, 1);
  const second = noise(2 * mebibyte, 2);
  await startWithFile(guest, runtimes, 'cdrom', first, 'first.iso');
  expect((await block(guest, 'cdrom'))?.medium).toMatchObject({
    base: 'file:first.iso',
    backing: 'file',
    sizeBytes: first.length,
  });
  expect(await blockers(guest)).toContainEqual(['disk-not-reopenable', 'cdrom']);
  await guest.run('sha256sum </dev/sr0 >/tmp/sum & reader=$!');
  await guest.liveUpdate(runtimes.older);
  expect((await guest.run('wait $reader; cat /tmp/sum')).output).toContain(sha256(first));

  const change = (contents: Uint8Array<ArrayBuffer>) =>
    guest.machine((machine, bytes) => machine.changeMedia('cdrom', { bytes }), contents);
  for (const [runtime, contents] of [
    [runtimes.newer, second],
    [runtimes.older, first],
  ] as const) {
    await change(contents);
    // The guest has not noticed yet when it is handed over.
    await guest.liveUpdate(runtime);
    expect(await guestSum(guest, '/dev/sr0'), `on ${runtime.v86Version}`).toBe(sha256(contents));
  }

  for (const runtime of [runtimes.newer, runtimes.older]) {
    await guest.machine((machine) => machine.ejectMedia('cdrom'));
    expect((await guest.run('cat /dev/sr0 >/dev/null')).exitCode).not.toBe(0);
    await guest.liveUpdate(runtime);
    expect((await guest.run('cat /dev/sr0 >/dev/null')).exitCode).not.toBe(0);
    expect((await block(guest, 'cdrom'))?.medium).toBeUndefined();
    await change(second);
    expect(await guestSum(guest, '/dev/sr0'), `on ${runtime.v86Version}`).toBe(sha256(second));
  }
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A file cannot be passed to a page: the page creates it. */
async function startWithFile(
  guest: Guest,
  runtimes: Runtimes,
  device: DriveName,
  contents: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<void> {
  await guest.machine(
    (machine, [runtime, drive, bytes, fileName]) => {
      if (!machine.status) throw new Error('There is no machine.');
      const file = new File([bytes], fileName);
      const config = { ...machine.status.config, [drive]: { file } };
      return machine.start(config, runtime, { replace: true });
    },
    [runtimes.newer, device, contents, name] as const,
  );
  await guest.reloadPage();
  await guest.waitForSerial(prompt);
}

test.describe('a floppy', () => {
  test.use({ ...patternGuest, guestReady: /^/ });

  /**
   * Returns a bootable floppy. It prints `letter` for each track that it reads. It writes the letter in
   * lower case beside the track.
   */
  function floppy(letter: string): Uint8Array<ArrayBuffer> {
    const image = new Uint8Array(1440 * 1024).fill(letter.charCodeAt(0));
    const bootSector = new Uint8Array(512);
    bootSector.set(Buffer.from(floppyBootSector, 'base64'));
    bootSector.set([0x55, 0xaa], 510);
    image.set(bootSector);
    return image;
  }
  /** First byte of the first sector of head 1 of the second track, in an image. */
  const written = (1 * 2 + 1) * 18 * 512;

  const says = async (guest: Guest, text: string) => {
    const from = await guest.serial.end();
    await guest.waitForSerial(new RegExp(`${text}{5}`), { from });
  };

  test('is read and written through live updates, changed, ejected, and keeps what was written to it', async ({
    guest,
    runtimes,
  }) => {
    const [a, b] = [floppy('A'), floppy('B')];
    await startWith(guest, runtimes, { fda: { bytes: a } }, /A{5}/);
    const change = (contents: Uint8Array<ArrayBuffer>) =>
      guest.machine((machine, bytes) => machine.changeMedia('fda', { bytes }), contents);
    const byteAt = (position: number) =>
      guest.machine(async (machine, at) => {
        const image = await new Response(machine.diskImage('fda')).arrayBuffer();
        return String.fromCharCode(new Uint8Array(image)[at] ?? 0);
      }, position);

    await guest.liveUpdate(runtimes.older);
    await says(guest, 'A');
    await expect.poll(() => byteAt(written)).toBe('a');
    for (const runtime of [runtimes.newer, runtimes.older]) {
      await change(b);
      await says(guest, 'B');
      await guest.liveUpdate(runtime);
      await says(guest, 'B');
      await guest.machine((machine) => machine.ejectMedia('fda'));
      await says(guest, '!');
      await guest.liveUpdate(runtime);
      await says(guest, '!');
      await change(a);
      expect(await byteAt(written), 'what was written to it is still on it').toBe('a');
      await says(guest, 'A');
    }
  });

  test('on a slow server is read in ranges', async ({ guest, runtimes }) => {
    const server = await DiskServer.serve(floppy('A'), { delayMs: 50 });
    try {
      await startWith(guest, runtimes, { fda: { url: server.url, load: 'range' } }, /A{3}/);
      for (const runtime of [runtimes.older, runtimes.newer]) {
        await guest.liveUpdate(runtime);
        await says(guest, 'A');
      }
      expect(await guest.serial.log()).not.toContain('!');
    } finally {
      await server.close();
    }
  });
});
