/**
 * Assembles src/emulator/page-ops.wat into src/emulator/page-ops-wasm.ts.
 * Run it after editing the .wat: `npx tsx tools/wasm/build-page-ops.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import binaryen from 'binaryen';

const path = (name: string) =>
  fileURLToPath(new URL(`../../src/emulator/${name}`, import.meta.url));

export function assemblePageOps(): string {
  const module = binaryen.parseText(readFileSync(path('page-ops.wat'), 'utf8'));
  try {
    module.setFeatures(
      binaryen.Features.Atomics |
        binaryen.Features.SIMD128 |
        binaryen.Features.BulkMemory |
        binaryen.Features.BulkMemoryOpt,
    );
    if (!module.validate()) throw new Error('page-ops.wat does not validate');
    const base64 = Buffer.from(module.emitBinary()).toString('base64');
    const lines = base64.match(/.{1,92}/g) ?? [];
    return [
      '// Made from page-ops.wat by tools/wasm/build-page-ops.ts. Do not edit.',
      'export const pageOpsWasm =',
      `  ${lines.map((line) => `'${line}'`).join(' +\n  ')};`,
      '',
    ].join('\n');
  } finally {
    module.dispose();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(path('page-ops-wasm.ts'), assemblePageOps());
