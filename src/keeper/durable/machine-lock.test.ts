import { afterEach, expect, test, vi } from 'vitest';
import { MachineClaims } from './machine-lock.ts';

afterEach(() => vi.unstubAllGlobals());

test('a lock that comes once its machine is gone is released at once', async () => {
  let grant = () => {};
  let isHeld = false;
  const request = async (_name: string, _options: unknown, hold: () => Promise<void>) => {
    await new Promise<void>((resolve) => {
      grant = resolve;
    });
    isHeld = true;
    await hold();
    isHeld = false;
  };
  vi.stubGlobal('navigator', { locks: { request } });
  const claims = new MachineClaims({ giveUp: () => {}, watch: () => {} });
  const held = claims.hold('m');
  claims.keepOnly(undefined);
  grant();
  await expect(held).rejects.toMatchObject({ code: 'no-machine' });
  await vi.waitFor(() => expect(isHeld).toBe(false));
  expect(claims.holds('m')).toBe(false);
});
