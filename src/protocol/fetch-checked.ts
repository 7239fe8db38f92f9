import { HoldfastError } from '../errors.ts';

/**
 * Fetches a file of which the SHA-256 is known. The browser compares, before it gives out a byte.
 * @param sha256 64 hex digits
 * @throws HoldfastError `runtime-unavailable` for another file; and what `fetch` throws
 */
export async function fetchChecked(url: string, sha256: string): Promise<Response> {
  try {
    return await fetch(url, { integrity: `sha256-${base64OfHex(sha256)}` });
  } catch (thrown) {
    // Browsers do not tell a wrong digest from a server that is away.
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
