/** A mounted 9p share with open files survives live updates. */
import { expect, type Guest, test } from '../support/golden.ts';

const mebibyte = 1024 * 1024;

const write = (guest: Guest, path: string, text: string) =>
  guest.machine(
    (machine, [to, contents]) => machine.filesWrite(to, new TextEncoder().encode(contents)),
    [path, text] as const,
  );

const read = (guest: Guest, path: string) =>
  guest.machine(async (machine, from) => {
    return new TextDecoder().decode(await machine.filesRead(from));
  }, path);

const waitForMount = (guest: Guest) =>
  guest.run('until grep -q " /mnt 9p " /proc/mounts; do usleep 100000; done');

const listTree = `find /mnt -exec stat -c '%i %h %F %A %n' {} + | sort | grep -v txt`;

test.beforeEach(async ({ guest }) => {
  await waitForMount(guest);
});

test('files go in and out of the share by path', async ({ guest }) => {
  await write(guest, 'docs/in.txt', 'from outside\n');
  const { output } = await guest.run(
    'cat /mnt/docs/in.txt; echo from the guest >/mnt/docs/out.txt',
  );
  expect(output).toBe('from outside\n');
  expect(await read(guest, 'docs/out.txt')).toBe('from the guest\n');
  const entries = await guest.machine((machine) => machine.filesList('docs'));
  expect(entries).toMatchObject([
    { name: 'in.txt', kind: 'file', sizeBytes: 13 },
    { name: 'out.txt', kind: 'file', sizeBytes: 15 },
  ]);
  const missing = guest.machine((machine) => machine.filesRead('docs/none.txt'));
  await expect(missing).rejects.toMatchObject({ code: 'not-found' });
});

test('open files stay open and directories keep their inodes, up and down', async ({
  guest,
  runtimes,
}) => {
  await write(guest, 'in.txt', 'one\ntwo\nthree\nfour\n');
  await guest.run('mkdir -p /mnt/a/b; echo x >/mnt/a/b/c; ln -s b /mnt/a/link');
  const { output: inodes } = await guest.run(listTree);
  await guest.run('exec 3</mnt/in.txt 4>>/mnt/out.txt 5>/mnt/gone; rm /mnt/gone; cd /mnt/a/b');
  for (const [i, runtime] of [runtimes.older, runtimes.newer, runtimes.older].entries()) {
    const word = ['one', 'two', 'three'][i] ?? '';
    const { output } = await guest.run(
      'read -r word <&3; echo "$word"; echo "$word" >&4; echo "$word" >&5 && ls',
    );
    expect(output).toBe(`${word}\nc\n`);
    await guest.liveUpdate(runtime);
  }
  const { output } = await guest.run(`cat <&3; exec 3<&- 4>&- 5>&-; cd /; ${listTree}`);
  expect(output).toBe(`four\n${inodes}`);
  expect(await read(guest, 'out.txt')).toBe('one\ntwo\nthree\n');
});

test('a big file adds nothing to the vmstate', async ({ guest, runtimes }) => {
  const before = await guest.liveUpdate(runtimes.older);
  const digest = (sizeBytes?: number) =>
    guest.machine(async (machine, size) => {
      if (size !== undefined) {
        const contents = new Uint8Array(size);
        for (let at = 0; at < size; at += 65_536)
          crypto.getRandomValues(contents.subarray(at, at + 65_536));
        await machine.filesWrite('big', contents);
      }
      const contents = await machine.filesRead('big');
      return Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', contents as never)));
    }, sizeBytes);
  const written = await digest(100 * mebibyte);
  const after = await guest.liveUpdate(runtimes.newer);
  expect(after.timings.vmstateBytes - before.timings.vmstateBytes).toBeLessThan(4096);
  expect(await digest()).toEqual(written);
  const { output } = await guest.run(
    'stat -c %s /mnt/big; echo end >>/mnt/big; tail -c 4 /mnt/big',
  );
  expect(output).toBe(`${100 * mebibyte}\nend\n`);
});
