/** A runtime module: this emulator code around one version of v86. */
import { V86 } from 'v86-package';
import { abiVersion, type RuntimeModule } from '../protocol/abi.ts';
import { prepareRuntime } from './runtime.ts';

/** Set by the build to the version of the v86 package that was bundled. */
declare const __V86_VERSION__: string;

export function createRuntime(): RuntimeModule {
  return {
    abiVersion,
    v86Version: __V86_VERSION__,
    prepare: (host, request) => prepareRuntime(V86, __V86_VERSION__, host, request),
  };
}
