import { expect, test } from './test.ts';

// Checkpoints of everything, which a restore makes necessary, would only be in the way.
test.use({ guestQuery: '?durable=off' });

test('a guest goes back to a snapshot: shell, memory, share, drives, console, and the time', async ({
  guest,
}) => {
  await guest.execute('true');
  await guest.run('cd /tmp; colour=red; echo one > file');
  await guest.machine((machine) => machine.filesWrite('note', new TextEncoder().encode('one')));
  const snapshot = await guest.machine((machine) => machine.snapshot());
  expect(snapshot.sizeBytes).toBeGreaterThan(10 * 1024 * 1024);
  const { bootedAtMs } = await guest.status();
  const said = await guest.serial.log();
  const uptime = async () => Number((await guest.execute('cut -d" " -f1 /proc/uptime')).stdout);
  const takenAt = await uptime();

  for (let round = 0; round < 3; round++) {
    await guest.run(
      'colour=blue; rm file; cd /; dd if=/dev/zero of=/tmp/big bs=1M count=20; echo more > /dev/tty1',
    );
    await guest.machine(async (machine) => {
      await machine.filesWrite('note', new TextEncoder().encode('two'));
      await machine.filesWrite('other', new TextEncoder().encode('two'));
      await machine.changeMedia('cdrom', { bytes: new Uint8Array(2048 * 100) });
    });

    await guest.machine((machine, to) => machine.restore(to), snapshot);
    expect(await guest.serial.log()).toBe(said);
    expect((await guest.run('echo $colour; cat file; pwd; ls /tmp')).output).toBe(
      'red\none\n/tmp\nfile\n',
    );
    const [note, files, drives] = await guest.machine(
      async (machine) =>
        [
          new TextDecoder().decode(await machine.filesRead('note')),
          (await machine.filesList('')).map(({ name }) => name),
          await machine.infoBlock(),
        ] as const,
    );
    expect(note).toBe('one');
    expect(files).toEqual(['note']);
    expect(drives.find(({ device }) => device === 'cdrom')?.medium).toBeUndefined();
    expect((await guest.status()).bootedAtMs).toBe(bootedAtMs);
    // Guest time went back with the guest: it is as old as when the first round began, or so.
    expect(await uptime()).toBeLessThan(takenAt + 5);
  }
});

test('a snapshot outlives page and runtime, and brings back a guest that is powered down', async ({
  guest,
  runtimes,
}) => {
  await guest.machine((machine) => machine.setDurable(true));
  await guest.run('colour=red');
  const first = await guest.machine((machine) => machine.snapshot());
  await guest.run('colour=green');
  const second = await guest.machine((machine) => machine.snapshot());
  await guest.reloadPage();
  await guest.liveUpdate(runtimes.older);
  expect(await guest.machine((machine) => machine.snapshots())).toEqual([first, second]);
  const colour = async () => (await guest.run('echo $colour')).output.trim();
  for (const [snapshot, expected] of [
    [first, 'red'],
    [second, 'green'],
    [second, 'green'],
  ] as const) {
    await guest.machine((machine, to) => machine.restore(to), snapshot);
    expect(await colour()).toBe(expected);
  }
  await guest.serial.write('poweroff -f\n');
  await expect.poll(async () => (await guest.status()).runstate).toBe('shutdown');
  await guest.machine((machine, to) => machine.restore(to), first);
  expect(await colour()).toBe('red');

  await guest.machine((machine, to) => machine.dropSnapshot(to), first);
  const error = await guest
    .machine((machine, to) => machine.restore(to), first)
    .catch((thrown) => thrown);
  expect(error.code).toBe('not-found');
  expect(await colour()).toBe('red');
});

test('a small change is put back in a moment', async ({ guest }, testInfo) => {
  const reports = await guest.machine(async (machine) => {
    await machine.execute('true');
    const snapshot = await machine.snapshot();
    const all: { pages: number; pauseMs: number; wholeMs: number; executeMs: number }[] = [];
    for (let round = 0; round < 10; round++) {
      let beganMs = performance.now();
      await machine.execute('echo something > /tmp/file');
      const executeMs = performance.now() - beganMs;
      beganMs = performance.now();
      const report = await machine.restore(snapshot);
      all.push({ ...report, wholeMs: performance.now() - beganMs, executeMs });
    }
    return all;
  });
  await testInfo.attach('restores', { body: JSON.stringify(reports) });
  if (process.env.PRINT) console.log(reports);
  const pages = reports.map((report) => report.pages).sort((a, b) => a - b);
  // 128 MiB are 32,768.
  expect(pages[5]).toBeLessThan(3000);
});
