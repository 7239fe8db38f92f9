import { HoldfastError } from '../errors.ts';

/**
 * Fetches a file of known SHA-256. The browser compares the digest before it returns a byte.
 * @param sha256 64 hex digits
 * @throws HoldfastError `runtime-unavailable` for another file; and errors of `fetch`
 */
export async function fetchChecked(url: string, sha256: string): Promise<Response> {
  try {
    return await fetch(url, { integrity: `sha256-${base64OfHex(sha256)}` });
  } catch (thrown) {
    // Browsers report a wrong digest and an unreachable server alike.
    const there = await fetch(url, { method: 'HEAD' }).catch(() => undefined);
    if (!there?.ok) throw thrown;
    throw new HoldfastError(
      'runtime-unavailable',
      `${url} is not the file of this build: its SHA-256 is another. Reload the page; if that does not help, the site's files belong to different builds.`,
      { cause: thrown },
    );
  }
}

function base64OfHex(hex: string): string {
  const bytes = hex.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  return btoa(String.fromCharCode(...bytes));
}
