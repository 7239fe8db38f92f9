/** A runtime module: this adapter with one version of v86. */
import { V86 } from 'v86-package';
import { abiVersion, type RuntimeModule } from '../protocol/abi.ts';
import { prepareRuntime } from './runtime.ts';

/** The version of the bundled v86 package, set by the build. */
declare const __V86_VERSION__: string;

export function createRuntime(): RuntimeModule {
  return {
    abiVersion,
    v86Version: __V86_VERSION__,
    prepare: (host, request) => prepareRuntime(V86, __V86_VERSION__, host, request),
  };
}
