/** Entry point of a runtime: built once per v86 version (tools/v86-versions.ts). */
import { createRuntime } from '../src/emulator/index.ts';

export const { abiVersion, v86Version, prepare } = createRuntime();
