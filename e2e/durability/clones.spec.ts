/** Clones of one state: machines of their own, on one network. */

import { prompt } from '../support/linux-guest.ts';
import { expect, type Guest, openGuest, test } from '../support/test.ts';

const mac = async (guest: Guest) =>
  (await guest.execute('cat /sys/class/net/eth0/address')).stdout.trim();
/** Waits until the guest's agent has done its work after the resume. */
const waitForMac = async (guest: Guest) => {
  await expect.poll(async () => mac(guest)).toBe((await guest.status()).config.mac);
  return mac(guest);
};

test('two clones of one state reach each other on a network, each with an address of its own', {
  tag: '@slow',
}, async ({ guest, runtimes, context, site }) => {
  test.slow();
  await guest.machine((machine, runtime) => {
    if (!machine.status) throw new Error('There is no machine.');
    const networkBackend = { kind: 'inbrowser', group: 'clones' } as const;
    const config = { ...machine.status.config, networkBackend };
    return machine.start(config, runtime, { replace: true });
  }, runtimes.newer);
  await guest.reloadPage();
  await guest.waitForSerial(prompt);
  // No DHCP server runs on this network.
  await guest.run('until ifconfig eth0 | grep -q UP; do usleep 50000; done; killall udhcpc');
  await guest.run('ifconfig eth0 10.0.0.1; echo 0 >/etc/machine-id');
  const original = await mac(guest);
  const ids = await guest.machine(async (machine) => {
    await machine.checkpoint();
    return [
      await machine.storage.duplicate('default', 'One'),
      await machine.storage.duplicate('default', 'Two'),
    ];
  });

  const clones: Guest[] = [];
  for (const id of ids) {
    const clone = await openGuest(context, `${site.url}?machine=${id}`);
    clones.push(clone);
  }
  const [one, two] = clones as [Guest, Guest];
  const macs = new Set([original, await waitForMac(one), await waitForMac(two)]);
  expect(macs.size).toBe(3);
  // The address that was set by hand remains until another one is assigned.
  expect((await one.execute('ifconfig eth0')).stdout).toContain('10.0.0.1');

  await one.run('ifconfig eth0 10.0.0.2');
  await two.run('ifconfig eth0 10.0.0.3');
  const pings: [Guest, string][] = [
    [one, '10.0.0.3'],
    [two, '10.0.0.2'],
    [two, '10.0.0.1'],
  ];
  for (const [from, to] of pings) {
    expect((await from.run(`ping -c 2 -W 10 ${to}`)).output).toContain('2 packets received');
  }

  const drawn = async (from: Guest) =>
    (await from.execute('head -c 16 /dev/urandom | base64; cat /etc/machine-id')).stdout.split(
      '\n',
    );
  const [[first, firstId], [second, secondId]] = [await drawn(one), await drawn(two)];
  expect(first).not.toBe(second);
  expect(new Set(['0', firstId, secondId]).size).toBe(3);
});

for (const device of ['ne2k', 'virtio'] as const) {
  test(`a clone gets an address from the network anew, with ${device}`, { tag: '@slow' }, async ({
    guest,
    runtimes,
    context,
    site,
  }) => {
    test.slow();
    await guest.machine(
      (machine, [runtime, network]) => {
        if (!machine.status) throw new Error('There is no machine.');
        // Its network uses the page's own server.
        const networkBackend = { kind: 'fetch', ownOrigin: true } as const;
        const config = { ...machine.status.config, network, networkBackend };
        return machine.start(config, runtime, { replace: true });
      },
      [runtimes.newer, device] as const,
    );
    await guest.reloadPage();
    await guest.waitForSerial(prompt);
    await guest.run('until ifconfig eth0 | grep -q "inet addr"; do usleep 100000; done');
    const id = await guest.machine(async (machine) => {
      await machine.checkpoint();
      return machine.storage.duplicate('default', 'Clone');
    });
    const clone = await openGuest(context, `${site.url}?machine=${id}`);
    expect(await waitForMac(clone)).not.toBe(await mac(guest));
    await clone.run('until ifconfig eth0 | grep -q "inet addr"; do usleep 100000; done');
    // Replies reach its new address.
    const port = new URL(site.url).port;
    const page = `http://${port}.external/build.json`;
    expect((await clone.run(`wget -q -O - ${page}`)).output).toContain('runtimes');
    // A live update keeps the address.
    await clone.liveUpdate(runtimes.older);
    expect((await clone.run(`wget -q -O - ${page}`)).output).toContain('runtimes');
    expect((await clone.machine((machine) => machine.infoNetwork())).mac).toBe(await mac(clone));
  });
}
