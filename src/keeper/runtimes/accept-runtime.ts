import { HoldfastError } from '../../errors.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { runtimeName } from '../../vmstate/sections.ts';

/**
 * A module is loaded from a server or, in Node, from a file. The address itself must not contain
 * it.
 */
const protocols = ['http:', 'https:', 'file:'];

/**
 * Returns a runtime in the form for vmstates, with its digests. Other members of the object, such
 * as those of an entry in a list of builds, are dropped.
 * @throws HoldfastError `bad-config` for one that no vmstate could name or no server could send
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

/** Returns true if an address is in the folder of the keeper's own script, or below it. */
export function isOfSite(url: string, keeperUrl: string): boolean {
  return new URL(url).href.startsWith(new URL('./', keeperUrl).href);
}
