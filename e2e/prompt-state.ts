/**
 * Makes the states that the playground starts from: the demo guest of a built site, booted up to its
 * prompt. `npm run build && npx tsx e2e/prompt-state.ts`, after every change of the
 * guest or its machine; a newer v86 or keeper reads the same file.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chromium, type Page } from '@playwright/test';
import sirv from 'sirv';
import type { Machine } from '../src/index.ts';
import { chromiumLaunchOptions } from '../tools/browser.mjs';

declare const window: { holdfast?: { machine: Machine | null; terminalText(): string } };

const folder = 'public/guests/linux';
/** Free memory is filled with zeros but for so much, KiB: the guest must not run out of it. */
const spareKiB = 6144;

/** What nobody uses is junk of the boot: zeros take no room in the file. */
const tidyUp = [
  'echo 3 >/proc/sys/vm/drop_caches',
  "free=$(sed -n 's/^MemFree: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)",
  `dd if=/dev/zero of=/zeros bs=1k count=$((free - ${spareKiB})) 2>/dev/null`,
  'rm /zeros',
].join('; ');

async function promptState(page: Page, url: string): Promise<Buffer> {
  await page.goto(`${url}?boot=cold&durable=off`);
  const { prompt } = JSON.parse(await readFile(join(folder, 'guest.json'), 'utf8')) as {
    prompt: string;
  };
  await page.waitForFunction(
    (text) => window.holdfast?.terminalText().trimEnd().endsWith(text),
    prompt.trimEnd(),
    { timeout: 60_000 },
  );
  const chunks = await page.evaluate(async (code) => {
    const machine = window.holdfast?.machine;
    if (!machine) throw new Error('The page has no machine.');
    const { exitCode, stdout } = await machine.execute(code);
    if (exitCode !== 0) throw new Error(`The guest could not be tidied up: ${stdout}`);
    const stream = machine.exportState({ title: 'Linux at its prompt' });
    const file = new Uint8Array(await new Response(stream).arrayBuffer());
    const texts: string[] = [];
    for (let at = 0; at < file.length; at += 0x8000)
      texts.push(btoa(String.fromCharCode(...file.subarray(at, at + 0x8000))));
    return texts;
  }, tidyUp);
  return Buffer.concat(chunks.map((text) => Buffer.from(text, 'base64')));
}

const server = createServer(sirv('dist', { dev: true }));
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address() as AddressInfo;
const browser = await chromium.launch(chromiumLaunchOptions());
const state = await promptState(await browser.newPage(), `http://localhost:${port}/`);
await browser.close();
server.close();
await writeFile(join(folder, 'prompt.vmstate'), state);
console.log(`${folder}/prompt.vmstate: ${state.length} bytes`);
