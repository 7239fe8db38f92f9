import { expect, test } from 'vitest';
import { bundle } from './site-workers.ts';

test('the worker for state files has its wasm in it, and fetches none', {
  timeout: 60_000,
}, async () => {
  const { code } = await bundle('src/state-file/state-worker.ts', 'state-worker.js');
  expect(code).not.toMatch(/data:application\/wasm|zstd\.wasm/);
  const [, base64 = ''] = /["'`](AGFzbQ[^"'`]+)["'`]/.exec(code) ?? [];
  const { exports } = await WebAssembly.compile(Buffer.from(base64, 'base64')).then((compiled) => ({
    exports: WebAssembly.Module.exports(compiled).length,
  }));
  expect(exports).toBeGreaterThan(10);
});
