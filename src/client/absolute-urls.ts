/** Makes URLs absolute, because the keeper cannot resolve URLs relative to this page. */
import { baseUrl } from '../protocol/base-url.ts';
import type { DriveSource, ImageSource, MachineConfig } from '../protocol/config.ts';
import { imageKeys } from '../protocol/images.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';

export function absoluteRuntime(runtime: RuntimeSource): RuntimeSource {
  return { ...runtime, url: resolve(runtime.url), wasmUrl: resolve(runtime.wasmUrl) };
}

export const absoluteRuntimes = (runtimes: readonly RuntimeSource[]): RuntimeSource[] =>
  runtimes.map(absoluteRuntime);

export function absoluteConfig(config: MachineConfig): MachineConfig {
  const sources = imageKeys.flatMap((key) => {
    const source = config[key];
    return source ? [[key, absoluteSource(source)]] : [];
  });
  return { ...config, ...Object.fromEntries(sources) };
}

export function absoluteSource<T extends ImageSource | DriveSource>(source: T): T {
  // An invalid source is rejected when it is opened.
  return 'url' in Object(source)
    ? { ...source, url: resolve((source as { url: string }).url) }
    : source;
}

function resolve(url: string): string {
  return new URL(url, baseUrl()).href;
}
