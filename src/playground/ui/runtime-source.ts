import type { RuntimeBuild } from 'virtual:holdfast-build';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';

/** A runtime of this page's build, with URLs and digests that the keeper can use. */
export function runtimeSource({ url, wasmUrl, ...build }: RuntimeBuild): RuntimeSource {
  const { id, v86Version, sha256, wasmSha256 } = build;
  const absolute = (path: string) => new URL(path, document.baseURI).href;
  return { id, v86Version, url: absolute(url), wasmUrl: absolute(wasmUrl), sha256, wasmSha256 };
}
