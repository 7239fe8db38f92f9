import { expect, test } from 'vitest';
import { labFirmware, loadLabRuntime, projectFile } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { labHost } from '../testing/lab-host.ts';
import { LabGuest } from '../testing/lab-runtime.ts';
import { checkPattern } from '../testing/pattern.ts';
import { recentPages } from './recent-pages.ts';

const place = { tlbAddress: 4096, ramAddress: 16 << 20, ramBytes: 8 << 20 };

/** The pattern begins at 1 MiB. */
const patternStart = 1 << 20;

function tlbOf(entries: Record<number, { address: number; bits: number }>): ArrayBuffer {
  const buffer = new ArrayBuffer(place.tlbAddress + (4 << 20));
  const tlb = new Int32Array(buffer, place.tlbAddress);
  for (const [page, { address, bits }] of Object.entries(entries))
    tlb[Number(page)] = (address ^ (Number(page) << 12)) | bits;
  return buffer;
}

test('pages of RAM in the TLB are named by their guest-physical numbers, each once', () => {
  const page = (number: number) => place.ramAddress + number * 4096;
  const buffer = tlbOf({
    7: { address: page(1000), bits: 1 },
    786433: { address: page(3), bits: 1 | 4 },
    // The same page at a second virtual address.
    1048575: { address: page(3), bits: 1 },
    // A device.
    917504: { address: 0xe000_0000 | 0, bits: 1 | 8 },
    // VGA memory, which is beside RAM.
    160: { address: place.ramAddress + place.ramBytes, bits: 1 },
  });
  expect([...recentPages({ buffer, ...place })]).toEqual([3, 1000]);
});

test.each(v86Packages)(
  'the page that a guest of %s writes to is among them',
  async (name) => {
    const images = { ...labFirmware, fda: projectFile('public/guests/pattern/graphics.img') };
    const host = labHost(images, { memoryMiB: 16, vgaMemoryMiB: 2 });
    const guest = await LabGuest.boot(await loadLabRuntime(name), host);
    while (!/pass 2/.test(host.serial)) await guest.run(100_000, 10);
    for (let round = 0; round < 20; round++) {
      guest.machine.writes?.reset();
      expect(guest.machine.recentPages()).toEqual(new Uint32Array());
      await guest.run(5_000);
      const pattern = checkPattern(guest.machine.commands.readMemory);
      const edge = pattern.ok && pattern.edge !== null ? pattern.edge : 0;
      const isInRam = edge > patternStart && edge < 16 << 20;
      const recent = guest.machine.recentPages() ?? [];
      // The rest of a pass is in VGA memory, until the next one has written its first word.
      if (isInRam) expect([...recent]).toContain((edge - 4) >> 12);
      expect(recent.length).toBeLessThan(4096);
    }
  },
  120_000,
);
