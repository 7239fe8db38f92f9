import { HoldfastError } from '../../errors.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { runtimeName } from '../../vmstate/sections.ts';

/** A module comes from a server or, in Node, from a file: never out of its own address. */
const protocols = ['http:', 'https:', 'file:'];

/**
 * A runtime as every vmstate of its guest will name it, with its digests. Whatever else a caller's
 * object says, as an entry of a list of builds may, is left out.
 * @throws HoldfastError `bad-config` for one that no vmstate could name, or that no server could send
 */
export function acceptRuntime(given: RuntimeSource): RuntimeSource {
  const { id, v86Version, url, wasmUrl, sha256, wasmSha256 } = given;
  try {
    const named = runtimeName({ id, v86Version, url, wasmUrl }, 'runtime');
    for (const address of [url, wasmUrl]) requireProtocol(address);
    return {
      ...named,
      ...(sha256 !== undefined && { sha256: hexDigest(sha256) }),
      ...(wasmSha256 !== undefined && { wasmSha256: hexDigest(wasmSha256) }),
    };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new HoldfastError('bad-config', `This runtime cannot be used: ${reason}.`, {
      cause: thrown,
    });
  }
}

function requireProtocol(address: string): void {
  const { protocol } = new URL(address);
  if (!protocols.includes(protocol)) throw new Error(`it is at an address with "${protocol}"`);
}

function hexDigest(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new Error('its SHA-256 is not 64 hex digits');
}

/** Whether an address is in the folder of the keeper's own script, or below it. */
export function isOfSite(url: string, keeperUrl: string): boolean {
  return new URL(url).href.startsWith(new URL('./', keeperUrl).href);
}
