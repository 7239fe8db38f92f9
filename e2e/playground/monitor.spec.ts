/** The monitor in the page, on a real guest. src/monitor tests the details of its output. */
import { readFile } from 'node:fs/promises';
import type { Download, Page } from '@playwright/test';
import { promptAfterBoot, shownPrompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { expect, type Guest, test } from '../support/test.ts';

interface Reply {
  output: string;
  error: string;
}

/** The monitor as its user sees it. */
class MonitorPanel {
  readonly page: Page;
  readonly line;

  constructor(page: Page) {
    this.page = page;
    this.line = playground(page).monitorInput;
  }

  async open(): Promise<void> {
    await this.page.keyboard.press('Control+Alt+Digit3');
    await expect(this.line).toBeFocused();
  }

  async run(command: string): Promise<Reply> {
    await this.line.fill(command);
    await this.line.press('Enter');
    await expect(this.line).toHaveAttribute('aria-busy', 'false', { timeout: 30_000 });
    return playground(this.page).monitorLog.evaluate((log) => {
      const entries = [...log.children] as HTMLElement[];
      const from = entries.findLastIndex(({ dataset }) => dataset.tone === 'input') + 1;
      const text = (tone: string) =>
        entries
          .slice(from)
          .filter(({ dataset }) => dataset.tone === tone)
          .map(({ textContent }) => textContent)
          .join('\n');
      return { output: text('output'), error: text('error') };
    });
  }

  /** Runs a command that saves a file. */
  async save(command: string): Promise<{ name: string; bytes: Buffer }> {
    const [download, { error }] = await Promise.all([
      this.page.waitForEvent('download'),
      this.run(command),
    ]);
    expect(error).toBe('');
    return { name: download.suggestedFilename(), bytes: await readDownload(download) };
  }
}

async function readDownload(download: Download): Promise<Buffer> {
  return readFile(await download.path());
}

async function openMonitor(guest: Guest): Promise<MonitorPanel> {
  const monitor = new MonitorPanel(guest.page);
  await monitor.open();
  return monitor;
}

test('a guest is stopped, inspected, and resumed', async ({ guest }) => {
  const monitor = await openMonitor(guest);
  expect(await monitor.run('info status')).toEqual({ output: 'VM status: running', error: '' });
  expect(await monitor.run('stop')).toEqual({ output: '', error: '' });
  expect((await monitor.run('info status')).output).toBe('VM status: paused');
  await expect(playground(guest.page).state('runstate')).toHaveText('Paused');

  const { v86Version } = await guest.status();
  expect((await monitor.run('info version')).output).toContain(`v86 ${v86Version}`);
  expect((await monitor.run('info ramblocks')).output).toMatch(/^pc\.ram +0x[0-9a-f]{8}/m);
  expect((await monitor.run('info network')).output).toMatch(/^net0: type=nic,model=ne2k,macaddr=/);
  expect((await monitor.run('info cpr')).output).toMatch(/^restart: /m);
  expect((await monitor.run('info blockers restart')).output).toContain('restart: ');
  const registers = (await monitor.run('info registers')).output;
  // Linux is in protected mode with paging; its kernel or its shell runs.
  expect(registers).toMatch(
    /^CS =00(60|73) 00000000 ffffffff 00[0-9a-f]{6} DPL=[03] CS32 \[-R.\]/m,
  );
  expect(registers).toMatch(/^TR =0080 [0-9a-f]{8} [0-9a-f]{8} 00008b00 DPL=0 TSS32-busy$/m);
  expect(registers).toMatch(/CR0=8[0-9a-f]{7}/);

  const { output } = await monitor.run('p /x $eip');
  expect(registers).toContain(`EIP=${output.slice(2).padStart(8, '0')}`);
  expect(await monitor.run('cont')).toEqual({ output: '', error: '' });
  expect((await monitor.run('info status')).output).toBe('VM status: running');
  expect((await guest.run('echo here')).output).toBe('here\n');
});

test('memory is shown and saved as it is', async ({ guest }) => {
  const monitor = await openMonitor(guest);
  await monitor.run('stop');
  const [address, size] = [0x100000, 70_000];
  const memory = Buffer.from(
    await guest.machine(
      async (machine, [from, length]) =>
        Array.from(await machine.readMemory(from as number, length as number)),
      [address, size],
    ),
  );
  const saved = await monitor.save(`pmemsave 1M ${size} "physical memory.bin"`);
  expect(saved.name).toBe('physical memory.bin');
  expect(saved.bytes.equals(memory)).toBe(true);

  const word = memory.readUInt32LE(0).toString(16).padStart(8, '0');
  expect((await monitor.run('xp /1xw 0x100000')).output).toBe(`0000000000100000: 0x${word}`);
  // Linux maps its memory at 3 GiB.
  expect((await monitor.run('gva2gpa 0xc0100000')).output).toBe('gpa: 0x100000');
  expect((await monitor.run('x /1xw 0xc0100000')).output).toBe(`c0100000: 0x${word}`);
  const linear = await monitor.save('memsave 0xc0100000 70000 linear.bin');
  expect(linear.bytes.equals(memory)).toBe(true);
});

test('a screendump is an image of the size of the screen', async ({ guest }) => {
  const monitor = await openMonitor(guest);
  const canvas = await playground(guest.page).screen.evaluate(
    ({ width, height }: HTMLCanvasElement) => ({ width, height }),
  );
  const { name, bytes } = await monitor.save('screendump screen.png');
  expect(name).toBe('screen.png');
  const decoded = await guest.page.evaluate(
    async (data) => {
      const image = await createImageBitmap(
        new Blob([new Uint8Array(data)], { type: 'image/png' }),
      );
      return { width: image.width, height: image.height };
    },
    [...bytes],
  );
  expect(decoded).toEqual(canvas);

  const ppm = await monitor.save('screendump screen.ppm');
  const header = `P6\n${canvas.width} ${canvas.height}\n255\n`;
  expect(ppm.bytes.subarray(0, header.length).toString()).toBe(header);
  expect(ppm.bytes.length).toBe(header.length + canvas.width * canvas.height * 3);
});

test('sendkey ctrl-alt-delete reboots the guest, and system_reset does', async ({ guest }) => {
  const monitor = await openMonitor(guest);
  for (const command of ['sendkey ctrl-alt-delete', 'system_reset']) {
    const from = await guest.serial.end();
    expect((await monitor.run(command)).error).toBe('');
    await guest.waitForSerial(promptAfterBoot, { from });
  }
});

test('sendkey types', async ({ guest }) => {
  await guest.waitForText(shownPrompt);
  const monitor = await openMonitor(guest);
  for (const key of ['e', 'c', 'h', 'o', 'spc', 'shift-h', 'i', 'ret'])
    await monitor.run(`sendkey ${key} 20`);
  await guest.waitForText(/echo Hi\nHi\n/);
});

test('a machine without a power button says what to do instead', async ({ guest }) => {
  const monitor = await openMonitor(guest);
  expect((await monitor.run('system_powerdown')).error).toMatch(/^Error: This machine has no ACPI/);
});

test('media are put into drives, listed and taken out', async ({ guest }) => {
  const monitor = await openMonitor(guest);
  await monitor.line.pressSequentially('change c');
  await monitor.line.press('Tab');
  await expect(monitor.line).toHaveValue('change cdrom ');
  const [chooser] = await Promise.all([
    guest.page.waitForEvent('filechooser'),
    monitor.line.press('Enter'),
  ]);
  const buffer = Buffer.alloc(64 * 2048, 'a CD');
  await chooser.setFiles({ name: 'disc.iso', mimeType: 'application/octet-stream', buffer });
  await expect(monitor.line).toHaveAttribute('aria-busy', 'false');
  expect((await monitor.run('info block')).output).toMatch(
    /^cdrom: file:disc\.iso \(file, 131072 bytes\)/m,
  );
  expect(await monitor.run('eject cdrom')).toEqual({ output: '', error: '' });
  expect((await monitor.run('info block')).output).toMatch(/^cdrom: \[not inserted\]/m);
  expect((await monitor.run('eject hda')).error).toContain("Device 'hda' is not removable");
});

test('cprsave, cprload and cpr_cancel do what their names say in QEMU', async ({
  guest,
  runtimes,
}) => {
  const monitor = await openMonitor(guest);
  await guest.run('kept=yes');
  await monitor.run('stop');
  const { v86Version } = runtimes.older;
  expect((await monitor.run(`cprsave store:noon restart ${v86Version}`)).error).toBe('');
  expect((await monitor.run('info status')).output).toBe('VM status: paused (inmigrate)');
  expect((await monitor.run('info cpr')).output).toContain('cprload FILE resumes from it');
  expect((await monitor.run('cprload store:evening')).error).toMatch(/^Error: /);
  await monitor.line.pressSequentially('cprload store:n');
  await monitor.line.press('Tab');
  await expect(monitor.line).toHaveValue('cprload store:noon ');
  await monitor.line.press('Control+KeyC');
  // Paused before, so paused after.
  expect((await monitor.run('cprload store:noon')).output).toBe(
    `Loaded 'store:noon': the guest is paused on v86 ${v86Version}.`,
  );
  expect((await monitor.run('cprload store:noon')).error).toMatch(/^Error: /);
  await monitor.run('cont');
  expect((await guest.run('echo $kept')).output).toBe('yes\n');

  await monitor.run('cprsave store:noon restart');
  expect(await monitor.run('cpr_cancel')).toEqual({ output: '', error: '' });
  expect(await monitor.run('suspend')).toEqual({ output: '', error: '' });
  expect((await monitor.run('info status')).output).toBe('VM status: paused (suspended)');
  expect(await monitor.run('system_wakeup')).toEqual({ output: '', error: '' });
  expect((await guest.run('echo $kept')).output).toBe('yes\n');
});

test('a live update is a command as well', async ({ guest, runtimes }) => {
  const monitor = await openMonitor(guest);
  const { output } = await monitor.run(`restart ${runtimes.older.v86Version}`);
  expect(output).toContain(`Now on v86 ${runtimes.older.v86Version}`);
  expect((await guest.run('echo here')).output).toBe('here\n');
});

test('an unknown command is answered with a sentence', async ({ guest }) => {
  const monitor = await openMonitor(guest);
  expect((await monitor.run('foo')).error).toBe("unknown command: 'foo'");
  expect((await monitor.run('xp')).error).toBe('xp: integer expected\nUsage: xp /fmt addr');
  expect((await monitor.run('xp 0xfff00000000')).error).toMatch(/^Error: The guest has no memory/);
  expect((await monitor.run('help stop')).output).toBe('stop|s -- stop emulation');
});

test('Tab completes, the arrows and Ctrl+R go back, also after a reload', async ({ guest }) => {
  const monitor = await openMonitor(guest);
  const { line, page } = monitor;
  await line.pressSequentially('info stat');
  await line.press('Tab');
  await expect(line).toHaveValue('info status ');
  await line.press('Enter');
  await expect(line).toHaveAttribute('aria-busy', 'false');
  await line.pressSequentially('system_');
  await line.press('Tab');
  await expect(playground(page).monitorLog.locator(':scope > :last-child')).toHaveText(
    'system_powerdown  system_reset  system_wakeup',
  );
  await line.press('Control+KeyC');
  await monitor.run('help stop');

  await guest.reloadPage();
  // The monitor was open, so it still is.
  await expect(line).toBeVisible();
  await line.focus();
  await line.press('ArrowUp');
  await expect(line).toHaveValue('help stop');
  await line.press('ArrowUp');
  await expect(line).toHaveValue('info status ');
  await line.press('ArrowDown');
  await line.press('ArrowDown');
  await expect(line).toHaveValue('');
  await line.pressSequentially('stat');
  await line.press('Control+KeyR');
  await expect(line).toHaveValue('info status ');
  await page.keyboard.press('Control+Alt+Digit3');
  await expect(line).toBeHidden();
});

test('on a phone the monitor is a tab with the keys that its keyboard lacks', async ({ guest }) => {
  await guest.page.setViewportSize({ width: 390, height: 844 });
  await guest.page.getByRole('tab', { name: 'Monitor' }).click();
  const monitor = new MonitorPanel(guest.page);
  await monitor.line.fill('info vers');
  await guest.page.getByRole('button', { name: 'Complete' }).click();
  await expect(monitor.line).toHaveValue('info version ');
  await guest.page.getByRole('button', { name: 'Type info status' }).click();
  await monitor.line.press('Enter');
  await expect(playground(guest.page).monitorLog).toContainText('VM status: running');
  await guest.page.getByRole('button', { name: 'Older line' }).click();
  await expect(monitor.line).toHaveValue('info status');
  const overflow = await guest.page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBe(0);
});
