import { runtimeName } from '../cpr/sections.ts';
import { CprError } from '../errors.ts';
import type { RuntimeSource } from '../protocol/keeper-api.ts';

/**
 * A runtime as every vmstate of its guest will name it. Whatever else a caller's object says, as an
 * entry of a list of builds may, is left out.
 * @throws CprError `bad-config` for one that no vmstate could name
 */
export function acceptRuntime({ id, v86Version, url, wasmUrl }: RuntimeSource): RuntimeSource {
  try {
    return runtimeName({ id, v86Version, url, wasmUrl }, 'runtime');
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new CprError('bad-config', `This runtime cannot be used: ${reason}.`, { cause: thrown });
  }
}
