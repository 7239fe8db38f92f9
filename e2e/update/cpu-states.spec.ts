/**
 * Live updates in a real browser while the guest is in each CPU state that is hard to save. The
 * guest checks itself; src/runtime/cpu-states.test.ts stops it at exact instructions.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BrowserContext } from '@playwright/test';
import {
  type CpuStateName,
  cpuStates,
  cpuStatesDisk,
  cpuStatesFloppy,
} from '../../tools/guests/cpu-states/cpu-states.ts';
import { expect, Guest, type Runtimes, Site, test } from '../support/test.ts';

const updates = 6;
const booted = /cpu-states\r\n/;
/** A complete round that began after the start of the search. */
const rounds = (name: string) =>
  new RegExp(`FAIL .*|${name} round \\w+\\r\\n[\\s\\S]*${name} round \\w+\\r\\n`);

test.describe('a live update', () => {
  let context: BrowserContext;
  let site: Site;
  let guest: Guest;
  let runtimes: Runtimes;

  test.beforeAll(async ({ browser, siteRoot }) => {
    site = await Site.serve({ root: siteRoot });
    const floppy = cpuStatesFloppy(
      readFileSync(resolve('src/runtime/testing/guests/cpu-states.bin')),
    );
    // In the place of a guest that the page knows.
    await site.put('guests/pattern/text.img', floppy);
    await site.put('cpu-states/disk.img', cpuStatesDisk(4 << 20));
    await site.put('cpu-states/cd.iso', cpuStatesDisk(2 << 20));
    const [newer, older] = await site.runtimes();
    if (!newer || !older) throw new Error('The build ships fewer than two runtimes.');
    runtimes = { newer, older };
    context = await browser.newContext();
    guest = await Guest.in(await context.newPage());
    await guest.open(`${site.url}?guest=pattern-text&m=16`);
    await guest.waitForSerial(booted);
  });

  test.afterAll(async () => {
    await context.close();
    await site.close();
  });

  /** Starts a separate machine for each CPU state, with the disks or the APIC that it needs. */
  async function enter(name: CpuStateName): Promise<void> {
    const withDisks = /ide|atapi/.test(name);
    await guest.start(runtimes.newer, {
      acpi: name === 'apic-timer',
      hda: withDisks ? { url: site.urlOf('cpu-states/disk.img') } : undefined,
      cdrom: withDisks ? { url: site.urlOf('cpu-states/cd.iso') } : undefined,
    });
    await guest.waitForSerial(booted);
    await guest.serial.write(cpuStates[name]);
  }

  async function expectRounds(name: CpuStateName): Promise<void> {
    const from = await guest.serial.end();
    const [seen] = await guest.waitForSerial(rounds(name), { from });
    expect(seen).not.toContain('FAIL');
  }

  for (const name of Object.keys(cpuStates) as CpuStateName[]) {
    test(`keeps a guest in the CPU state ${name}`, async () => {
      await enter(name);
      await expectRounds(name);
      for (let update = 0; update < updates; update++) {
        await guest.liveUpdate(update % 2 ? runtimes.newer : runtimes.older);
        await expectRounds(name);
      }
    });
  }

  test('keeps the keyboard of a halted guest', async () => {
    await enter('halted');
    await expectRounds('halted');
    const keys = [];
    for (let update = 0; update < updates; update++) {
      const from = await guest.serial.end();
      await guest.machine((machine, code) => machine.scancodes([code]), 0x10 + update);
      await guest.liveUpdate(update % 2 ? runtimes.newer : runtimes.older);
      const [, key = ''] = await guest.waitForSerial(/key (\w\w)/, { from });
      keys.push(Number.parseInt(key, 16));
    }
    expect(keys).toEqual(Array.from({ length: updates }, (_, update) => 0x10 + update));
  });
});
