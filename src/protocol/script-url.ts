/** URLs of worker scripts, for pages that enforce Trusted Types. */

/** Declarations that TypeScript's libraries do not have yet. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

const policy = createPolicy();

/**
 * `url` as `new Worker` and `new SharedWorker` take it. The policy `holdfast` lets scripts of the own
 * origin pass, which are the only ones that browsers start workers from.
 */
export function scriptUrl(url: string | URL): string {
  const text = String(url);
  return policy ? (policy.createScriptURL(text) as string) : text;
}

function createPolicy() {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  try {
    return trustedTypes?.createPolicy('holdfast', { createScriptURL: ofOwnOrigin });
  } catch {
    // The embedder's policy names none of ours: where it enforces Trusted Types, the worker's
    // constructor says so.
    return undefined;
  }
}

function ofOwnOrigin(url: string): string {
  // Loads nothing: support.ts reads from it what constructors look at.
  if (!URL.canParse(url)) return url;
  const { origin, protocol } = new URL(url);
  if (origin === globalThis.location.origin && /^https?:$/.test(protocol)) return url;
  throw new TypeError(`${url} is no script of this origin.`);
}
