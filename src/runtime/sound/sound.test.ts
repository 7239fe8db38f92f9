/** A guest that plays on the Sound Blaster and the PC speaker: see tools/guests/sound. */
import { beforeAll, describe, expect, it } from 'vitest';
import { soundBootSector } from '../../../tools/guests/sound/boot-sector.ts';
import { bareMachine, labFirmware, loadLabRuntime } from '../../../tools/lab-runtime.ts';
import { v86Packages } from '../../../tools/v86-versions.ts';
import { type LabHost, labHost } from '../testing/lab-host.ts';
import { LabClock, LabGuest, type LabRuntime } from '../testing/lab-runtime.ts';

const floppy = new Uint8Array(1440 * 1024);
floppy.set(Buffer.from(soundBootSector, 'base64'));
floppy.set([0x55, 0xaa], 510);

const stride = 20_000;
const rate = 48_000;

/** Returns all sound, one ear after the other. */
function played({ events }: LabHost): { left: number[]; right: number[] } {
  const chunks = events.filter((event) => event.type === 'audio');
  return {
    left: chunks.flatMap(({ left }) => [...left]),
    right: chunks.flatMap(({ right }) => [...right]),
  };
}

/** Returns how often a tone rises through zero a second, and its amplitude. */
function tone(samples: readonly number[]): { hz: number; amplitude: number } {
  const rises = samples.flatMap((sample, i) =>
    sample >= 0 && (samples[i - 1] ?? 0) < 0 ? [i] : [],
  );
  const [first = 0, last = 0] = [rises[0], rises.at(-1)];
  const amplitude = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return { hz: ((rises.length - 1) * rate) / (last - first), amplitude };
}

describe.each(v86Packages)('sound, with npm package %s', { timeout: 60_000 }, (packageName) => {
  let runtime: LabRuntime;

  beforeAll(async () => {
    runtime = await loadLabRuntime(packageName);
  }, 60_000);

  async function boot(sound = true): Promise<LabGuest> {
    const host = labHost({ ...labFirmware, fda: floppy }, { ...bareMachine, sound });
    host.clock = new LabClock().read;
    const guest = await LabGuest.boot(runtime, host);
    await until(guest, ({ serial }) => serial.endsWith('R'));
    return guest;
  }

  /** Runs the guest until `done`. */
  async function until(guest: LabGuest, done: (host: LabHost) => boolean): Promise<void> {
    for (let strides = 0; !done(guest.host); strides++) {
      if (strides > 5000) throw new Error(`The guest does not get there: "${guest.host.serial}"`);
      await guest.run(stride);
      guest.machine.input.pump();
      guest.machine.sound?.pump();
    }
  }

  async function command(guest: LabGuest, letter: string): Promise<void> {
    const answer = letter.toUpperCase();
    guest.machine.commands.consoleInput('serial0', new TextEncoder().encode(letter));
    await until(guest, ({ serial }) => serial.includes(answer));
  }

  const hasPlayed = (frames: number) => (host: LabHost) => played(host).left.length >= frames;

  it('plays what the Sound Blaster gets by DMA', async () => {
    const guest = await boot();
    guest.machine.setListened(true);
    await command(guest, 'w');
    await until(guest, hasPlayed(rate / 2));
    const { left, right } = played(guest.host);
    expect(right).toEqual(left);
    const { hz, amplitude } = tone(left);
    expect(hz).toBeCloseTo(500, 0);
    // Half of full scale, through both volumes of the mixer at -14 dB, three times.
    expect(amplitude).toBeCloseTo(0.5 * 3 * 10 ** (-28 / 20), 2);
  });

  it('beeps as the PC speaker does, from the letter that starts it to the one that ends it', async () => {
    const guest = await boot();
    guest.machine.setListened(true);
    await command(guest, 'b');
    await until(guest, hasPlayed(rate / 4));
    const { hz, amplitude } = tone(played(guest.host).left);
    expect(hz).toBeCloseTo(1000, 0);
    expect(amplitude).toBeCloseTo(0.1, 3);
    await command(guest, 'n');
    const { length } = played(guest.host).left;
    for (let i = 0; i < 100; i++) await guest.run(stride);
    guest.machine.sound?.pump();
    expect(played(guest.host).left.length - length).toBeLessThan(rate / 50);
  });

  it('mixes the two', async () => {
    const guest = await boot();
    guest.machine.setListened(true);
    await command(guest, 'w');
    await command(guest, 'b');
    guest.host.events.length = 0;
    await until(guest, hasPlayed(rate / 4));
    const { hz, amplitude } = tone(played(guest.host).left);
    expect(hz).toBeCloseTo(1000, -2);
    expect(amplitude).toBeCloseTo(0.1 + 0.5 * 3 * 10 ** (-28 / 20), 2);
  });

  it('keeps its pace without a listener, and sends nothing', async () => {
    const guest = await boot();
    await command(guest, 'w');
    const beganMs = guest.host.clock();
    await until(guest, ({ serial }) => (serial.match(/[.]/g) ?? []).length >= 8);
    const playedMs = guest.host.clock() - beganMs;
    // 2048 samples at 16,000 Hz for each interrupt.
    expect(playedMs / 128).toBeGreaterThan(6.5);
    expect(playedMs / 128).toBeLessThan(9.5);
    expect(played(guest.host).left).toEqual([]);
  });

  it('continues without a gap after a hand-over', async () => {
    const guest = await boot();
    guest.machine.setListened(true);
    await command(guest, 'w');
    await command(guest, 'b');
    await until(guest, hasPlayed(rate / 10));
    await guest.handOver(runtime);
    expect(guest.machine.sound).toBeDefined();
    guest.machine.setListened(true);
    guest.host.events.length = 0;
    guest.machine.sound?.run();
    await until(guest, hasPlayed(rate / 4));
    const { left } = played(guest.host);
    expect(tone(left).hz).toBeCloseTo(1000, -2);
    // The speaker's registers alone would only give the beep; the card's earlier samples also
    // continue.
    expect(Math.max(...left.slice(0, 100))).toBeGreaterThan(0.1);
    await command(guest, 'n');
    guest.host.events.length = 0;
    await until(guest, hasPlayed(rate / 4));
    // The first 20 ms may have the end of the beep.
    expect(tone(played(guest.host).left.slice(rate / 50)).hz).toBeCloseTo(500, 0);
  });

  it('is silent after a reset', async () => {
    const guest = await boot();
    guest.machine.setListened(true);
    await command(guest, 'w');
    await command(guest, 'b');
    guest.machine.commands.reset?.();
    guest.machine.sound?.pump();
    guest.host.events.length = 0;
    for (let i = 0; i < 50; i++) {
      await guest.run(stride);
      guest.machine.sound?.pump();
    }
    expect(played(guest.host).left).toEqual([]);
  });

  it('is not there without the option', async () => {
    const guest = await boot(false);
    guest.machine.setListened(true);
    await command(guest, 'w');
    await command(guest, 'b');
    expect(guest.machine.sound).toBeUndefined();
    expect(guest.host.events.some(({ type }) => type === 'audio')).toBe(false);
  });
});
