/** Base of relative URLs. */

let given: string | undefined;

/** Sets the base where no document exists. */
export function setBaseUrl(url: string): void {
  given = url;
}

/**
 * Returns the document's base, or the one that was set. Without a base, only absolute URLs work.
 */
export function baseUrl(): string | undefined {
  return (globalThis as { document?: { baseURI: string } }).document?.baseURI ?? given;
}

/** Returns the URL of the site's root, to which URLs in state files can be relative. */
export const siteUrl = (): string => new URL('.', baseUrl()).href;
