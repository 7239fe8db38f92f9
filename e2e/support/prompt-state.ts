/**
 * Makes the states that the playground starts from: the demo guest of a built site, booted up to its
 * prompt. Run `npm run build` and `npx tsx e2e/support/prompt-state.ts` after every change of the guest
 * or its machine. A newer v86 or keeper reads the same file.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chromium, type Page } from '@playwright/test';
import sirv from 'sirv';
import { pageBytes } from '../../src/protocol/page-bytes.ts';
import type { PagesItem } from '../../src/protocol/state-transfer.ts';
import { loadCodec } from '../../src/state-file/format/codec.ts';
import { compressed } from '../../src/state-file/format/frame.ts';
import { StateReader } from '../../src/state-file/state-reader.ts';
import { StateWriter } from '../../src/state-file/state-writer.ts';
import { chromiumLaunchOptions } from '../../tools/browser.mjs';
import type { PlaygroundWindow } from './playground-window.ts';

declare const window: PlaygroundWindow;

const folder = 'public/guests/linux';
/** Memory that is not filled with zeros, KiB: the guest must not run out of it. */
const spareKiB = 1024;
/** Memory that the kernel reserves meanwhile. */
const reserveKiB = 256;
/** Level of zstd: every visitor fetches the file, and it is written once. */
const level = 19;

/**
 * Fills unused memory, which contains remains of the boot, with zeros: they compress to almost
 * nothing.
 */
const tidyUp = [
  'reserve=$(cat /proc/sys/vm/min_free_kbytes)',
  `echo ${reserveKiB} >/proc/sys/vm/min_free_kbytes`,
  'echo 3 >/proc/sys/vm/drop_caches',
  "free=$(sed -n 's/^MemFree: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)",
  // The root file system takes no more than half of the memory.
  'mount -t tmpfs -o size=100% zeros /tmp',
  `dd if=/dev/zero of=/tmp/zeros bs=1k count=$((free - ${spareKiB})) 2>/dev/null`,
  'filled=$?',
  'umount /tmp',
  'echo $reserve >/proc/sys/vm/min_free_kbytes',
  'exit $filled',
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
    const { exitCode, stdout } = await machine.execute(code, { timeoutMs: 300_000 });
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

/** The same state, in as few bytes as possible. */
async function packed(file: Uint8Array): Promise<Buffer> {
  const codec = await loadCodec();
  const source = (async function* () {
    yield file;
  })();
  const reader = await StateReader.open(source, codec);
  const chunks: Uint8Array[] = [];
  const writer = new StateWriter({
    codec,
    head: reader.head,
    compress: async (raw) => compressed(raw, codec, level),
    parallel: 1,
    write: async (bytes) => void chunks.push(bytes),
  });
  await writer.begin();
  const pages = new Map<number, Uint8Array>();
  for await (const item of reader.items()) {
    if (item.kind === 'pages') {
      const { numbers, contents, uniform, copies } = item;
      for (const [i, page] of numbers.entries())
        pages.set(page, contents.subarray(i * pageBytes, (i + 1) * pageBytes));
      for (let i = 0; i < uniform.length; i += 2)
        pages.set(
          uniform[i] ?? 0,
          new Uint8Array(new Uint32Array(pageBytes / 4).fill(uniform[i + 1] ?? 0).buffer),
        );
      for (let i = 0; i < copies.length; i += 2)
        pages.set(copies[i] ?? 0, pages.get(copies[i + 1] ?? 0) ?? new Uint8Array(pageBytes));
    } else if (item.kind === 'blob') await writer.blob(item);
    else if (item.kind === 'cut') {
      await writer.pages(asItem(pages));
      await writer.end(item);
    } else throw new Error(`A state of a guest that is at its prompt has no "${item.kind}".`);
  }
  return Buffer.concat(chunks);
}

function asItem(pages: ReadonlyMap<number, Uint8Array>): PagesItem {
  const contents = new Uint8Array(pages.size * pageBytes);
  for (const [i, bytes] of [...pages.values()].entries()) contents.set(bytes, i * pageBytes);
  const uniform = new Uint32Array();
  return { kind: 'pages', numbers: Uint32Array.from(pages.keys()), contents, uniform };
}

const server = createServer(sirv('dist', { dev: true }));
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address() as AddressInfo;
const browser = await chromium.launch(chromiumLaunchOptions());
const exported = await promptState(await browser.newPage(), `http://localhost:${port}/`);
await browser.close();
server.close();
const state = await packed(exported);
await writeFile(join(folder, 'prompt.holdfast'), state);
console.log(
  `${folder}/prompt.holdfast: ${state.length} bytes, of ${exported.length} as it was exported`,
);
