/** Entry point of a runtime: built once per v86 version (tools/v86-versions.ts). */
import { createRuntime } from '../src/runtime/index.ts';

export const { abiVersion, v86Version, prepare } = createRuntime();
