/** State files through the API: written in one browser, opened in another. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  expect,
  type Guest,
  openGuest,
  openStandingGuest,
  type StandingGuest,
  test,
  waitForPasses,
} from '../support/test.ts';

/** Reads the machine's state file into the page's `window.stateFile`. */
async function exportState(guest: Guest, options: { title?: string } = {}) {
  return guest.machine(async (machine, wanted) => {
    const began = performance.now();
    const blob = await new Response(machine.exportState(wanted)).blob();
    (window as unknown as { stateFile: Blob }).stateFile = blob;
    return { sizeBytes: blob.size, tookMs: performance.now() - began };
  }, options);
}

const fileOf = (guest: Guest) =>
  guest.page.evaluate(async () => {
    const { stateFile } = window as unknown as { stateFile: Blob };
    const reader = new FileReader();
    const read = new Promise((resolve) => {
      reader.onload = resolve;
    });
    reader.readAsDataURL(stateFile);
    await read;
    return String(reader.result).replace(/^[^,]*,/, '');
  });

test('a running guest is exported in one profile and resumes in another', async ({
  guest,
  site,
  browser,
  runtimes,
}) => {
  await guest.run(
    'secret=abra; i=0; (while :; do i=$((i+1)); echo $i > /root/count; sleep 0.1; done) &',
  );
  const exported = await exportState(guest, { title: 'Counting' });
  expect(exported.sizeBytes).toBeGreaterThan(1 << 20);
  await site.put('shared.holdfast', Buffer.from(await fileOf(guest), 'base64'));

  const context = await browser.newContext();
  const other = await openGuest(context, `${site.url}?guest=pattern-text&m=32`);
  await other.waitForSerial(/pass \d+\r/);
  const report = await other.machine(
    async (machine, { url, runtime }) => {
      const options = { runtime, replace: true };
      return machine.openState(url, options);
    },
    { url: site.urlOf('shared.holdfast'), runtime: runtimes.newer },
  );
  expect(report.takenAtMs).toBeLessThan(Date.now());
  expect((await other.run('echo $secret')).output.trim()).toBe('abra');
  const count = async () => Number((await other.run('cat /root/count')).output);
  const first = await count();
  await expect.poll(count).toBeGreaterThan(first);
  expect((await guest.run('echo $secret')).output.trim()).toBe('abra');
  await context.close();
});

test.describe('a state that cannot be opened leaves the guest that runs alone:', () => {
  let standing: StandingGuest;
  let whole: Uint8Array;
  let server: Server;
  let elsewhere: string;

  test.beforeAll(async ({ browser, siteRoot, inPageBundle }) => {
    standing = await openStandingGuest({ browser, siteRoot, inPageBundle });
    const { guest, site } = standing;
    await exportState(guest);
    whole = Buffer.from(await fileOf(guest), 'base64');
    await site.put('whole.holdfast', whole);
    server = createServer((request, response) => {
      if (request.url?.startsWith('/slow')) {
        response.setHeader('Access-Control-Allow-Origin', '*');
        response.write(whole.subarray(0, whole.length >> 1));
      } else response.end(whole);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    elsewhere = `http://localhost:${(server.address() as AddressInfo).port}`;
  });
  test.afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await standing.close();
  });

  const open = (url: string, stallMs = 30_000) =>
    standing.guest.machine(
      (machine, given) => machine.openState(given.url, { ...given, replace: true }),
      { url, stallMs, runtime: standing.runtimes.newer },
    );

  const spoilt = (change: (bytes: Uint8Array) => Uint8Array) => async () => {
    await standing.site.put('spoilt.holdfast', change(Uint8Array.from(whole)));
    return standing.site.urlOf('spoilt.holdfast');
  };
  const set = (at: number, value: number) => (bytes: Uint8Array) => {
    new DataView(bytes.buffer).setUint32(at, value, true);
    return bytes;
  };

  const cases: [string, () => Promise<string>, string, RegExp, number?][] = [
    [
      'corrupted',
      spoilt((b) => b.map((byte, i) => (i === b.length >> 1 ? byte ^ 1 : byte))),
      'bad-state-file',
      /damaged/,
    ],
    ['truncated', spoilt((b) => b.subarray(0, b.length >> 1)), 'bad-state-file', /cut off/],
    ['without its last byte', spoilt((b) => b.subarray(0, -1)), 'bad-state-file', /cut off/],
    ['oversized', spoilt(set(12, 0xffff_fff0)), 'bad-state-file', /claims a head/],
    [
      'something else',
      async () => standing.site.urlOf('index.html'),
      'bad-state-file',
      /not a state file/,
    ],
    [
      'not there (404)',
      async () => standing.site.urlOf('gone.holdfast'),
      'state-unavailable',
      /404/,
    ],
    ['of a server without CORS', async () => `${elsewhere}/`, 'state-unavailable', /CORS/],
    [
      'slow beyond patience',
      async () => `${elsewhere}/slow`,
      'state-unavailable',
      /sent nothing for/,
      700,
    ],
  ];
  for (const [what, prepare, code, message, stallMs] of cases) {
    test(what, async () => {
      const before = await standing.guest.status();
      const error = await open(await prepare(), stallMs).then(
        () => undefined,
        (thrown) => thrown,
      );
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
      expect((await standing.guest.status()).config.id).toBe(before.config.id);
      await waitForPasses(standing.guest, 1);
    });
  }

  test('on a base that is not the one it names', async () => {
    const { guest, site } = standing;
    const errors = await guest.machine(
      async (machine, base) => {
        // A Response would hide the error of the stream.
        const reader = machine.exportState({ base }).getReader();
        try {
          while (!(await reader.read()).done);
          return 'written';
        } catch (thrown) {
          return (thrown as { code: string }).code;
        }
      },
      { url: site.urlOf('whole.holdfast'), digest: 'xxh64:0000000000000000' },
    );
    expect(errors).toBe('wrong-base');
    await waitForPasses(guest, 1);
  });
});
