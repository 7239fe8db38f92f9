import type { RuntimeBuild } from 'virtual:holdfast-build';
import type { RuntimeSource } from '../protocol/keeper-api.ts';

/** A runtime of this page's build, with URLs that the keeper can use. */
export function runtimeSource({ id, v86Version, url, wasmUrl }: RuntimeBuild): RuntimeSource {
  const absolute = (path: string) => new URL(path, document.baseURI).href;
  return { id, v86Version, url: absolute(url), wasmUrl: absolute(wasmUrl) };
}
