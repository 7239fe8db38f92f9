/**
 * Assembles the .wat sources that are compiled into scripts, each into a module beside it.
 * Run it after editing one: `npx tsx tools/wasm/build-inline-wasm.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import binaryen from 'binaryen';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const inlineWasm = [
  { source: 'src/runtime/core/page-ops.wat', exportName: 'pageOpsWasm' },
  { source: 'src/keeper/checkpoint/page-scan.wat', exportName: 'pageScanWasm' },
  { source: 'src/keeper/snapshot/zero-scan.wat', exportName: 'zeroScanWasm' },
] as const;

type InlineWasm = (typeof inlineWasm)[number];

/** Converts `page-ops.wat` to `page-ops-wasm.ts`. */
export const targetOf = ({ source }: InlineWasm): string =>
  join(root, dirname(source), `${basename(source, '.wat')}-wasm.ts`);

/** @returns the text of a module that exports the assembled binary in base64. */
export function assemble({ source, exportName }: InlineWasm): string {
  const name = basename(source);
  const module = binaryen.parseText(readFileSync(join(root, source), 'utf8'));
  try {
    module.setFeatures(
      binaryen.Features.Atomics |
        binaryen.Features.SIMD128 |
        binaryen.Features.BulkMemory |
        binaryen.Features.BulkMemoryOpt,
    );
    if (!module.validate()) throw new Error(`${name} does not validate`);
    const base64 = Buffer.from(module.emitBinary()).toString('base64');
    const lines = base64.match(/.{1,92}/g) ?? [];
    return [
      `// Made from ${name} by tools/wasm/build-inline-wasm.ts. Do not edit.`,
      `export const ${exportName} =`,
      `  ${lines.map((line) => `'${line}'`).join(' +\n  ')};`,
      '',
    ].join('\n');
  } finally {
    module.dispose();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const file of inlineWasm) writeFileSync(targetOf(file), assemble(file));
