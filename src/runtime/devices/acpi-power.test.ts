/** A guest that reacts to its power button and turns itself off: see tools/guests/power. */
import { beforeAll, describe, expect, it } from 'vitest';
import { powerBootSector } from '../../../tools/guests/power/boot-sector.ts';
import { bareMachine, labFirmware, loadLabRuntime } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { type LabHost, labHost } from '../testing/lab-host.ts';
import { LabClock, LabGuest, type LabRuntime } from '../testing/lab-runtime.ts';

const floppy = new Uint8Array(1440 * 1024);
floppy.set(Buffer.from(powerBootSector, 'base64'));
floppy.set([0x55, 0xaa], 510);

const stride = 20_000;

/** Runs the guest until `done`. */
async function until(guest: LabGuest, done: (host: LabHost) => boolean): Promise<void> {
  for (let strides = 0; !done(guest.host); strides++) {
    if (strides > 5000) throw new Error(`The guest does not get there: "${guest.host.serial}"`);
    await guest.run(stride);
  }
}

describe.each(v86Packages)('the power button, with npm package %s', (packageName) => {
  let runtime: LabRuntime;

  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
  }, 60_000);

  async function boot(): Promise<LabGuest> {
    const host = labHost({ ...labFirmware, fda: floppy }, { ...bareMachine, acpi: true });
    host.clock = new LabClock().read;
    return LabGuest.boot(runtime, host);
  }
  const press = ({ machine }: LabGuest) => machine.commands.systemPowerdown?.();

  it('turns off a guest with an ACPI driver, in any state', { timeout: 60_000 }, async () => {
    const guest = await boot();
    await until(guest, ({ serial }) => serial === 'R');
    // It has its interrupts off for the next two million instructions.
    press(guest);
    await guest.run(stride);
    expect(guest.host.halts).toBe(0);
    await until(guest, ({ halts }) => halts > 0);
    expect(guest.host).toMatchObject({ serial: 'RP', halts: 1, crash: undefined });
  });

  it('is heard after a hand-over that came between', { timeout: 60_000 }, async () => {
    const guest = await boot();
    await until(guest, ({ serial }) => serial === 'R');
    press(guest);
    await guest.handOver(runtime);
    await until(guest, ({ halts }) => halts > 0);
    expect(guest.host).toMatchObject({ serial: 'RP', halts: 1, crash: undefined });
  });

  it('rejects for a guest without an ACPI driver, and for a machine without ACPI', {
    timeout: 60_000,
  }, async () => {
    const guest = await boot();
    expect(() => press(guest)).toThrow(expect.objectContaining({ code: 'bad-runstate' }));
    const without = await LabGuest.boot(runtime, labHost(labFirmware, bareMachine));
    expect(() => press(without)).toThrow(expect.objectContaining({ code: 'bad-config' }));
  });
});
