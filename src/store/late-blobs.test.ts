import { expect, test } from 'vitest';
import { LateBlobs } from './late-blobs.ts';

/** A clock, and a browser that takes `blobMs` for a Blob. */
function environment() {
  let nowMs = 0;
  const it = {
    blobMs: 10,
    sent: 0,
    fails: false,
    pass: (ms: number) => {
      nowMs += ms;
    },
    nowMs: () => nowMs,
    sendBlob: async () => {
      it.sent++;
      nowMs += it.blobMs;
      if (it.fails) throw new Error('no room');
    },
  };
  return it;
}

const settled = () => new Promise((done) => setTimeout(done));

/** The answer after a look, if one is due. */
async function looked(blobs: LateBlobs): Promise<boolean> {
  void blobs.areLate;
  await settled();
  return blobs.areLate;
}

test('[F10] a write of Blobs that takes a second makes them late, a shorter one does not', () => {
  const blobs = new LateBlobs(environment());
  blobs.wrote(1000);
  expect(blobs.areLate).toBe(false);
  blobs.wrote(1001);
  expect(blobs.areLate).toBe(true);
});

test('[F10] five seconds later a Blob is sent, and a prompt one ends it', async () => {
  const browser = environment();
  const blobs = new LateBlobs(browser);
  blobs.wrote(2000);
  browser.pass(4999);
  expect(await looked(blobs)).toBe(true);
  expect(browser.sent).toBe(0);
  browser.pass(1);
  expect(await looked(blobs)).toBe(false);
  expect(browser.sent).toBe(1);
});

test('[F10] one Blob at a time is sent', async () => {
  const browser = environment();
  const blobs = new LateBlobs(browser);
  blobs.wrote(2000);
  browser.pass(5000);
  void blobs.areLate;
  void blobs.areLate;
  await settled();
  expect(browser.sent).toBe(1);
});

test('[F10] the time between two looks doubles up to a minute while Blobs are late', async () => {
  const browser = environment();
  const blobs = new LateBlobs(browser);
  blobs.wrote(2000);
  browser.blobMs = 201;
  for (const waitMs of [5000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
    const { sent } = browser;
    browser.pass(waitMs - 1);
    await looked(blobs);
    expect(browser.sent).toBe(sent);
    browser.pass(1);
    expect(await looked(blobs)).toBe(true);
    expect(browser.sent).toBe(sent + 1);
  }
});

test('[F10] Blobs that are late soon again are looked at less often', async () => {
  const browser = environment();
  const blobs = new LateBlobs(browser);
  blobs.wrote(2000);
  browser.pass(5000);
  expect(await looked(blobs)).toBe(false);
  browser.pass(59_999);
  blobs.wrote(2000);
  browser.pass(9999);
  expect(await looked(blobs)).toBe(true);
  browser.pass(1);
  expect(await looked(blobs)).toBe(false);
  browser.pass(60_000);
  blobs.wrote(2000);
  browser.pass(5000);
  expect(await looked(blobs)).toBe(false);
});

test('[F10] a Blob that the browser refuses counts as late', async () => {
  const browser = environment();
  const blobs = new LateBlobs(browser);
  blobs.wrote(2000);
  browser.pass(5000);
  browser.fails = true;
  expect(await looked(blobs)).toBe(true);
  browser.fails = false;
  browser.pass(10_000);
  expect(await looked(blobs)).toBe(false);
});
