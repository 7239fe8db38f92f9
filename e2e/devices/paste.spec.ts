/**
 * Text that is pasted into a console arrives, whole and once, although the runtime is replaced
 * meanwhile.
 */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from '../support/test.ts';

for (const { device, name, sizeBytes } of [
  { device: 'ttyS0', name: 'serial0', sizeBytes: 20_000 },
  { device: 'hvc0', name: 'virtio-console0', sizeBytes: 20_000 },
  { device: 'ttyS0', name: 'serial0', sizeBytes: 100_000 },
])
  test(`${sizeBytes} bytes into ${device}, with three live updates in the middle`, async ({
    guest,
    runtimes,
  }) => {
    // Lines shorter than a terminal's line buffer, and nothing that a terminal acts upon.
    const text = randomBytes(Math.ceil((sizeBytes * 57) / 77))
      .toString('base64')
      .replace(/.{1,76}/g, '$&\n');
    const send = (data: string) =>
      guest.machine((machine, [to, typed]) => machine.consoleInput(to, typed), [
        name,
        data,
      ] as const);
    // The shell has queried the terminal for its cursor: a late answer would be pasted, too.
    if (name === 'serial0') {
      await guest.waitForSerial(/# .\[6n/);
      await guest.page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    }
    const marker = `ready-${sizeBytes}`;
    await send(`stty -echo; echo >/tmp/${marker}; cat >/tmp/pasted; echo >/tmp/whole\n`);
    if (name !== 'serial0') await guest.run(`until [ -e /tmp/${marker} ]; do usleep 10000; done`);
    const third = Math.ceil(text.length / 3);
    for (const [i, runtime] of [runtimes.older, runtimes.newer, runtimes.older].entries()) {
      // A paused guest reads nothing: these bytes go through the update unread.
      await guest.machine((machine) => machine.pause());
      await send(text.slice(i * third, (i + 1) * third));
      await guest.liveUpdate(runtime);
      await guest.machine((machine) => machine.resume());
    }
    await send('\x04');
    const { output } = await guest.run(
      'stty echo; until [ -e /tmp/whole ]; do usleep 10000; done; sha256sum </tmp/pasted; wc -c </tmp/pasted',
      { timeout: 60_000 },
    );
    expect(output).toContain(`${text.length}\n`);
    expect(output).toContain(createHash('sha256').update(text).digest('hex'));
  });
