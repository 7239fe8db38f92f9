/** The devices withstand a hostile guest (tools/guests/hostile), with each v86 that ships. */
import { beforeAll, describe, expect, it } from 'vitest';
import { bareMachine, labFirmware, loadLabRuntime, projectFile } from '../../tools/lab-runtime.ts';
import { v86Packages } from '../../tools/v86-versions.ts';
import type { MachineConfig } from '../protocol/config.ts';
import { type LabHost, labHost } from './testing/lab-host.ts';
import { LabGuest, type LabRuntime } from './testing/lab-runtime.ts';

const text = new TextEncoder();
const mebi = 2 ** 20;

describe.each(v86Packages)('a hostile guest on npm package %s', (packageName) => {
  let runtime: LabRuntime;
  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
  }, 120_000);

  async function boot(config: Partial<MachineConfig> = {}) {
    const host = labHost(labFirmware, {
      ...bareMachine,
      multiboot: { url: 'kept:multiboot' },
      filesystem9p: true,
      ...config,
    });
    host.kept.set('image.multiboot', projectFile('src/runtime/testing/guests/hostile.bin'));
    const guest = await LabGuest.boot(runtime, host);
    const until = async (said: string) => {
      for (let turns = 0; !host.serial.includes(said) && !host.crash; turns++) {
        if (turns > 20_000) throw new Error(`It never says "${said}":\n${host.serial.slice(-500)}`);
        await guest.run(100_000);
      }
    };
    await until('hostile\r\n');
    const attempt = async (letter: string) => {
      guest.machine.commands.consoleInput('serial0', text.encode(letter));
      await until(`${letter} done`);
    };
    return { host, guest, attempt };
  }

  const told = ({ events }: LabHost) => events.filter(({ type }) => type === 'error');

  it('[6] gets ENOSPC where one 9p message would take gigabytes', async () => {
    const { host, guest, attempt } = await boot({ limits: { shareMiB: 16 } });
    const allocated: number[] = [];
    const { fs } = guest.cpu.devices.virtio_9p as { fs: V86FilesystemOfTest };
    const set = fs.set_data;
    fs.set_data = function (inode, contents) {
      allocated.push(contents.length);
      return set.call(this, inode, contents);
    };
    await attempt('p');
    expect(host.crash).toBeUndefined();
    // Truncation to 4,000 MB and to 64 GiB; a write at 4 GiB; truncation to 1 MiB.
    expect(host.serial.match(/(?<=p errno )\w\w/g)).toEqual(['1c', '1c', '1c', '00']);
    expect(allocated.reduce((sum, bytes) => Math.max(sum, bytes), 0)).toBeLessThanOrEqual(
      16 * mebi,
    );
    expect(told(host)).toMatchObject([{ code: 'guest-over-limit' }]);
  });

  it('[6] does not hold the keeper with descriptors that have no end', async () => {
    const { host, attempt } = await boot();
    await attempt('v');
    expect(host.crash).toBeUndefined();
    await attempt('v');
  });

  it('[6] writes nothing of the keeper with DMA beyond its memory', async () => {
    const { host, attempt } = await boot({ hda: { emptyBytes: mebi } });
    // Physical addresses continue behind guest RAM: the keeper's memory is there.
    const keepers = host.blocks
      .filter(({ name }) => name.startsWith('runtime.'))
      .map(({ address, sizeBytes }) => new Uint8Array(host.memory.buffer, address, sizeBytes));
    for (const bytes of keepers) bytes.fill(0xa5);
    const isUntouched = () => keepers.every((bytes) => bytes.every((byte) => byte === 0xa5));
    // v86 compares such an address with the size of guest RAM, and throws: the guest ends as
    // crashed.
    await expect(attempt('x')).rejects.toThrow(RangeError);
    expect(isUntouched()).toBe(true);
  });

  it('[12] sends frames of every size, except those above 9,216 bytes', async () => {
    const { host, attempt } = await boot({
      network: 'ne2k',
      networkBackend: { kind: 'inbrowser', group: `hostile ${packageName}` },
    });
    const lengths: number[] = [];
    const hub = new BroadcastChannel(`v86-inbrowser-hostile ${packageName}`);
    hub.onmessage = ({ data }: MessageEvent<Uint8Array>) => lengths.push(data.length);
    await attempt('n');
    await new Promise((resolve) => setTimeout(resolve));
    hub.close();
    expect(host.crash).toBeUndefined();
    expect(lengths.length).toBeGreaterThan(100);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(9216);
  });
});

interface V86FilesystemOfTest {
  set_data(inode: number, contents: Uint8Array): Promise<void>;
}
