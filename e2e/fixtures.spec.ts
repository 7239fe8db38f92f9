/** The published fixtures keep what they promise. */
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'holdfast/playwright';

test.describe('each test begins with the golden guest', () => {
  for (const round of [1, 2, 3]) {
    test(`round ${round}`, async ({ guest }) => {
      await guest.fail('test -e /tmp/of-a-test-before');
      expect((await guest.run('echo "<$colour>"')).output).toBe('<>\n');
      await guest.succeed('touch /tmp/of-a-test-before');
      await guest.run('colour=red');
      if (round === 2) await guest.liveUpdate();
    });
  }
});

test('runs commands, and says what one that is not as expected said', async ({ guest }) => {
  expect(await guest.execute('echo out; exit 3')).toEqual({
    exitCode: 3,
    stdout: 'out\n',
    stderr: '',
  });
  expect(await guest.succeed('echo out')).toBe('out\n');
  expect(await guest.fail('echo out; false')).toBe('out\n');
  await expect(guest.succeed('echo why; false')).rejects.toThrow(
    /"echo why; false" failed, with status 1\.[\s\S]*why[\s\S]*--- serial console ---[\s\S]*holdfast/,
  );
  await expect(guest.fail('true')).rejects.toThrow(/"true" succeeded/);
  await expect(guest).toSucceed('true');
  await expect(guest).not.toSucceed('false');
});

test('waits until something becomes true in the guest, or says what it saw', async ({ guest }) => {
  await guest.succeed('(usleep 300000; echo here >/tmp/late) >/dev/null 2>&1 &');
  await guest.waitForFile('/tmp/late');
  expect(await guest.waitUntilSucceeds('cat /tmp/late')).toBe('here\n');
  await guest.succeed('(usleep 300000; rm /tmp/late) >/dev/null 2>&1 &');
  await guest.waitUntilFails('test -e /tmp/late');
  await expect(guest.waitUntilSucceeds('cat /tmp/late', { timeout: 300 })).rejects.toThrow(
    /still failed after 300 ms/,
  );
});

test('talks over the serial ports', async ({ guest }) => {
  const from = await guest.serial.end();
  await guest.serial.write('echo $((6*7))\n');
  const [, answer] = await guest.waitForSerial(/\n(\d+)\r\n/, { from });
  expect(answer).toBe('42');
  await expect(guest).toHaveSaid(/echo \$/, { from });
  await expect(guest).not.toHaveSaid(/43/, { from });
  expect(await guest.serial.log(from)).toContain('42');

  const console = guest.console('virtio-console0');
  await console.write('echo "on "hvc0\n');
  await console.waitFor(/^on hvc0/m);
  await expect(guest.waitForSerial(/never/, { from, timeout: 200 })).rejects.toThrow(
    /serial0 did not show \/never\/ within 200 ms\.\n--- serial console ---[\s\S]*42[\s\S]*--- screen ---\n[\s\S]*holdfast/,
  );
});

test('a port is reached over a network that has a way in only', async ({ guest }) => {
  await expect(guest.waitForPort(80)).rejects.toMatchObject({
    code: 'network-unavailable',
    message: expect.stringContaining('network backend "fetch" only; this machine has "none"'),
  });
});

test('types, presses keys, and reads the screen', async ({ guest }) => {
  await guest.type('echo "$((6*7)) <ok>"\n');
  await guest.waitForText(/^42 <ok>$/m);
  await guest.type('cat\n', { delay: 20 });
  await guest.sendKey('ctrl-c');
  await guest.bootCommand(['clear<enter>', 'echo booted<enter>', '<wait /^booted$/m>', '<wait>']);
  await expect(guest).toShowText(/^booted$/m);
  await expect(guest).not.toShowText(/42/);
  expect(await guest.screenText()).toContain('echo booted');
  await expect(guest.waitForText(/never/, { timeout: 200 })).rejects.toThrow(
    /The screen did not show \/never\/ within 200 ms\.\n--- serial console ---/,
  );
});

test('moves the mouse, and presses its buttons', async ({ guest }) => {
  // A packet has three bytes: buttons and signs, counts to the right, counts upwards.
  const packets = async (count: number, action: () => Promise<void>) => {
    await guest.succeed(
      `rm -f /tmp/packets; (dd bs=3 count=${count} if=/dev/input/mice of=/tmp/read; mv /tmp/read /tmp/packets) >/dev/null 2>&1 &`,
    );
    await guest.waitUntilSucceeds('ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q input/mice');
    await action();
    await guest.waitForFile('/tmp/packets');
    return (await guest.succeed('od -An -tu1 </tmp/packets')).trim().split(/\s+/).map(Number);
  };
  expect(await packets(1, () => guest.mouse.move(5, 3))).toEqual([0x28, 5, 256 - 3]);
  const [down, up] = [0x0a, 0x08];
  expect(await packets(2, () => guest.mouse.click('right'))).toEqual([down, 0, 0, up, 0, 0]);
});

test('puts a CD from this computer into the drive, and takes it out', async ({
  guest,
}, testInfo) => {
  const path = testInfo.outputPath('cd.iso');
  await writeFile(path, Buffer.alloc(1 << 20, 'on the CD '));
  await guest.insertCd({ path });
  expect(await guest.waitUntilSucceeds('head -c 9 /dev/sr0')).toBe('on the CD');
  await guest.ejectCd();
  await guest.waitUntilFails('head -c 9 /dev/sr0 >/dev/null');
});

test('compares pictures of the screen', async ({ guest }) => {
  const { width, height } = pngSize(await guest.screenshot());
  expect([width, height]).toEqual([720, 400]);
  await guest.type('clear; echo "at $(date +%s)"; echo always\n');
  await guest.waitForText(/^always$/m);
  await guest.waitForStillScreen({ stillFor: 300 });
  const mask = [/at \d+/];
  const masked = await guest.screenshot({ mask });
  await guest.type('clear; echo "at $(date +%s)"; echo always\n');
  await guest.waitForStillScreen({ stillFor: 300 });
  expect((await guest.screenshot({ mask })).equals(masked)).toBe(true);
  expect((await guest.screenshot()).equals(masked)).toBe(false);
});

test('knows its screen again', async ({ guest }) => {
  // Versions come and go.
  const mask = [/version [^)]*/, /BusyBox v.*/];
  await expect(guest).toMatchScreen('prompt.png', { mask, stillFor: 300 });
  await guest.type('clear\n');
  await guest.waitForNoText(/SeaBIOS/);
  await expect(guest).not.toMatchScreen('prompt.png', { mask, stillFor: 300 });
});

test('copies files in and out', async ({ guest }, testInfo) => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) >> 3);
  await guest.copyIn(bytes, '/root/dir/bytes');
  expect(await guest.succeed('wc -c </root/dir/bytes')).toBe('300000\n');
  expect((await guest.copyOut('/root/dir/bytes')).equals(bytes)).toBe(true);

  const path = testInfo.outputPath('note');
  await writeFile(path, 'a note');
  await guest.copyIn(path, 'note');
  expect(await guest.succeed('cat /mnt/note')).toBe('a note');
  await guest.copyOut('note', `${path}.back`);
  await expect(guest).toSucceed('[ ! -e /mnt/.holdfast/0 ]');
});

test('goes back to snapshots of its own', async ({ guest }) => {
  await guest.run('colour=red');
  const snapshot = await guest.snapshot();
  await guest.run('colour=blue');
  await guest.restore(snapshot);
  expect((await guest.run('echo $colour')).output).toBe('red\n');
});

test('its time stands still while it is paused', async ({ guest }) => {
  const uptimeMs = async () =>
    1000 * Number((await guest.succeed('cat /proc/uptime')).split(' ')[0]);
  const beganMs = performance.now();
  const before = await uptimeMs();
  await guest.pause();
  expect((await guest.status()).runstate).toBe('paused');
  const pausedMs = performance.now();
  await expect.poll(() => performance.now() - pausedMs).toBeGreaterThan(1500);
  const standingMs = performance.now() - pausedMs;
  await guest.resume();
  const guestMs = (await uptimeMs()) - before;
  // However slow this computer is: no more than passed here while it ran, as its clock counts that.
  const runningMs = performance.now() - beganMs - standingMs;
  expect(guestMs).toBeLessThan(1.1 * runningMs + 300);
});

test('outlives its page, and the emulator it runs on', async ({ guest }) => {
  await guest.run('colour=red');
  const { v86Version } = await guest.status();
  await guest.reloadPage();
  await guest.liveUpdate();
  expect((await guest.status()).v86Version).not.toBe(v86Version);
  expect((await guest.run('echo $colour')).output).toBe('red\n');
});

test('comes back from its last checkpoint when its browser is killed', async ({ guest }) => {
  await guest.run('colour=red');
  await guest.checkpoint();
  await guest.crashBrowser();
  expect((await guest.run('echo $colour')).output).toBe('red\n');
  await guest.checkpoint();
  await guest.crashPage();
  expect((await guest.run('echo $colour')).output).toBe('red\n');
});

test('is golden again after its browser was killed', async ({ guest }) => {
  expect((await guest.run('echo "<$colour>"')).output).toBe('<>\n');
});

/** Of the first chunk, see the PNG specification, 11.2.1. */
const pngSize = (png: Buffer) => ({ width: png.readUInt32BE(16), height: png.readUInt32BE(20) });
