/**
 * Open files and connections of the guest survive mode `reboot`, which makes everything around the
 * guest again.
 */
import { HeldFile } from '../support/held-file.ts';
import { prompt } from '../support/linux-guest.ts';
import { expect, test } from '../support/test.ts';

test('open files of the share, unread console input and the network survive a reboot of the keeper', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  test.setTimeout(180_000);
  const file = await HeldFile.serve();
  file.release(1);
  await guest.start(runtimes.newer, { networkBackend: { kind: 'fetch' } });
  await guest.waitForSerial(prompt);
  await guest.run('until grep -q " /mnt 9p " /proc/mounts; do usleep 100000; done');
  await guest.run('until ifconfig eth0 | grep -q "inet addr"; do usleep 100000; done');
  await guest.machine((machine) =>
    machine.filesWrite('in.txt', new TextEncoder().encode('one\ntwo\n')),
  );
  await guest.run('exec 3</mnt/in.txt 4>>/mnt/out.txt; read -r word <&3; echo "$word" >&4');

  const saved = await guest.machine(async (machine) => {
    await machine.pause();
    await machine.consoleInput('virtio-console0', 'stty -echo; cat >/tmp/typed\n');
    await machine.consoleInput('virtio-console0', `${'typed ahead\n'.repeat(500)}\x04`);
    return machine.cprSave({ kind: 'bytes' }, { mode: 'reboot' });
  });
  await guest.machine(
    async (machine, [bytes, runtime]) => {
      await machine.cprLoad({ kind: 'bytes', bytes: bytes ?? new Uint8Array() }, { runtime });
      await machine.resume();
    },
    [saved.bytes, runtimes.older] as const,
  );

  const { output } = await guest.run(
    'read -r word <&3; echo "$word" >&4; cat /mnt/out.txt; until [ -e /tmp/typed ] && [ "$(wc -l </tmp/typed)" -ge 500 ]; do usleep 100000; done; sort -u /tmp/typed; wc -l </tmp/typed',
  );
  expect(output).toBe('one\ntwo\ntyped ahead\n500\n');
  const url = `http://${file.port}.external/`;
  // The agent renews the lease after the gap: for a moment there is no address and no default route.
  await guest.run(`until timeout 10 wget -q -O /tmp/got ${url}; do usleep 100000; done`, {
    timeout: 60_000,
  });
  const download = await guest.run('sha256sum </tmp/got');
  expect(download.output).toContain(file.sha256);
  file.close();
});
