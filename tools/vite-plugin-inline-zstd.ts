import { readFile } from 'node:fs/promises';
import type { Plugin } from 'vite';

const module = /[\\/]@bokuweb[\\/]zstd-wasm[\\/]dist[\\/]web[\\/]index\.web\.js$/;
const wasmUrl = 'new URL(`./zstd.wasm`, import.meta.url).href';

/**
 * Puts the wasm of zstd into the scripts that use it, as bytes. The library waits for ever for a
 * missing file, which happens after a new deployment. A security policy may forbid fetching a
 * `data:` URL.
 */
export function inlineZstd(): Plugin {
  return {
    name: 'holdfast-inline-zstd',
    enforce: 'pre',
    async transform(code, id) {
      const [path = ''] = id.split('?');
      if (!module.test(path)) return undefined;
      if (!code.includes(wasmUrl)) throw new Error(`${path} does not name its wasm as expected.`);
      const wasm = await readFile(path.replace('index.web.js', 'zstd.wasm'));
      const bytes = `(${bytesOfBase64})('${wasm.toString('base64')}')`;
      return { code: code.replace(wasmUrl, () => bytes), map: null };
    },
  };
}

/**
 * A call for each byte would take longer than everything else that such a worker does before its
 * first answer.
 */
const bytesOfBase64 = `(base64) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}`;
