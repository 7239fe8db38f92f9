/**
 * `node tools/transform-wasm.mjs IN OUT`: runs tools/wasm/transform.ts over a v86.wasm.
 *
 * It is a separate process, on Node alone, because Binaryen would block the dev server. tsx may run the
 * build, and takes 6 s to parse Binaryen's 14 MB of JavaScript.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const [input, output] = process.argv.slice(2);
if (!input || !output) throw new Error('Usage: node tools/transform-wasm.mjs IN OUT');

const transform = fileURLToPath(new URL('wasm/transform.ts', import.meta.url));
/** @type {{ module: { transformV86Wasm(wasm: Uint8Array): Promise<Uint8Array> } }} */
const { module } = await runnerImport(transform, { configFile: false });
await writeFile(output, await module.transformV86Wasm(await readFile(input)));
