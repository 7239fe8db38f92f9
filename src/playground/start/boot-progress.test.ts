import { expect, test } from 'vitest';
import { BootProgress } from './boot-progress.ts';

const MiB = 1024 * 1024;

test('the bar names the file that is on its way, and its bytes', () => {
  const boot = new BootProgress();
  boot.add({ file: 'https://x.test/firmware/seabios.bin', loaded: 9, total: 9, done: true });
  boot.add({
    file: 'https://x.test/linux/bzImage?v=1',
    loaded: 3 * MiB,
    total: 6 * MiB,
    done: false,
  });
  expect(boot.view(false)).toEqual({
    label: 'Loading bzImage',
    fraction: 0.5,
    bytes: '3.0 MiB of 6.0 MiB',
  });
});

test('an unknown length shows no made-up fraction', () => {
  const boot = new BootProgress();
  boot.add({ file: 'initrd.gz', loaded: 2048, total: 0, done: false });
  expect(boot.view(false)).toEqual({ label: 'Loading initrd.gz', fraction: null, bytes: '2 KiB' });
});

test('the bar never passes its end', () => {
  const boot = new BootProgress();
  boot.add({ file: 'a', loaded: 30, total: 20, done: false });
  expect(boot.view(false).fraction).toBe(1);
});

test('between files it prepares, and once the guest runs it boots', () => {
  const boot = new BootProgress();
  expect(boot.view(false).label).toBe('Preparing the machine…');
  boot.add({ file: 'a', loaded: 20, total: 20, done: true });
  expect(boot.view(false).label).toBe('Preparing the machine…');
  expect(boot.view(true).label).toBe('Booting…');
});
