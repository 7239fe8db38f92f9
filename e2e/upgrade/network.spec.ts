/** TCP connections of the guest while its keeper is replaced. */
import { HeldFile } from '../support/held-file.ts';
import { prompt } from '../support/linux-guest.ts';
import { putOtherKeeper } from '../support/other-keeper.ts';
import { expect, test } from '../support/test.ts';
import { serveWisp } from '../support/wisp-server.ts';

for (const kind of ['fetch', 'wisp'] as const)
  test(`[KM7] a download in the guest over ${kind} continues through three upgrades, and new connections are of the new keeper`, {
    tag: '@slow',
  }, async ({ guest, runtimes, site }) => {
    test.setTimeout(150_000);
    const [file, relay] = [await HeldFile.serve(), await serveWisp()];
    const networkBackend = kind === 'fetch' ? { kind } : { kind, url: relay.url };
    const at = (port: number) =>
      kind === 'fetch' ? `http://${port}.external/f` : `http://10.9.8.7:${port}/f`;
    await guest.start(runtimes.newer, { network: 'virtio', networkBackend });
    await guest.waitForSerial(prompt);
    await guest.run('until ifconfig eth0 | grep -q "inet addr"; do usleep 100000; done');
    await guest.run(`(wget -q -O /tmp/f ${at(file.port)}; echo wget=$? >/tmp/result) & true`);
    const received = async () => Number((await guest.execute('wc -c </tmp/f')).stdout);
    const connections = () =>
      guest.machine(async (machine) => (await machine.infoNetwork()).connections.length);

    for (const [index, part] of [0.2, 0.5, 0.8].entries()) {
      file.release(part);
      await expect.poll(received).toBeGreaterThan(part * 0.9 * file.contents.length);
      const build = await putOtherKeeper(site, index + 1);
      await guest.machine((machine) => machine.upgradeKeeper());
      expect(await guest.machine(({ keeper }) => keeper.build)).toBe(build);
      await expect.poll(connections).toBe(1);
    }
    const other = await HeldFile.serve();
    other.release(1);
    const second = await guest.run(`wget -q -O - ${at(other.port)} | sha256sum`);
    expect(second.output).toContain(other.sha256);

    file.release(1);
    const { output } = await guest.run('wait; cat /tmp/result; sha256sum </tmp/f', {
      timeout: 60_000,
    });
    expect(output).toContain('wget=0');
    expect(output).toContain(file.sha256);
    expect(file.requests).toBe(1);
    await expect.poll(connections).toBe(0);
    for (const server of [file, other, relay]) server.close();
  });
