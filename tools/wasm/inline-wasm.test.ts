import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { assemble, inlineWasm, targetOf } from './build-inline-wasm.ts';

it.each(inlineWasm)('$source is compiled into its module as it stands', (file) => {
  expect(readFileSync(targetOf(file), 'utf8')).toBe(assemble(file));
});
