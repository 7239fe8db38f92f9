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
 * Returns `url` as `new Worker` and `new SharedWorker` accept it. The policy `holdfast` allows
 * scripts of the page's origin. Browsers start workers from no other origin.
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
    // The embedder's CSP does not list our policy. If it enforces Trusted Types, the worker's
    // constructor throws.
    return undefined;
  }
}

function ofOwnOrigin(url: string): string {
  // Loads nothing: support.ts uses it to read which options the constructors accept.
  if (!URL.canParse(url)) return url;
  const { origin, protocol } = new URL(url);
  if (origin === globalThis.location.origin && /^https?:$/.test(protocol)) return url;
  throw new TypeError(`${url} is no script of this origin.`);
}
