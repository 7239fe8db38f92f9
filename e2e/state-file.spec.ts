/** State files through the API: written in one browser, opened in another. */
import { expect, Guest, test } from './test.ts';

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

test('a running guest is exported in one profile and goes on in another', async ({
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
  await site.put('shared.vmstate', Buffer.from(await fileOf(guest), 'base64'));

  const context = await browser.newContext();
  const other = await Guest.in(await context.newPage());
  await other.open(`${site.url}?guest=pattern-text&m=32`);
  await other.waitForSerial(/pass \d+\r/);
  const report = await other.machine(
    async (machine, { url, runtime }) => {
      const options = { runtime, replace: true };
      return machine.openState(url, options);
    },
    { url: site.urlOf('shared.vmstate'), runtime: runtimes.newer },
  );
  expect(report.takenAtMs).toBeLessThan(Date.now());
  expect((await other.run('echo $secret')).output.trim()).toBe('abra');
  const count = async () => Number((await other.run('cat /root/count')).output);
  const first = await count();
  await expect.poll(count).toBeGreaterThan(first);
  expect((await guest.run('echo $secret')).output.trim()).toBe('abra');
  await context.close();
});
