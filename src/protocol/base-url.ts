/** Base of relative URLs. */

let given: string | undefined;

/** For where there is no document. */
export function setBaseUrl(url: string): void {
  given = url;
}

/** The document's base, where there is one. Without any, only absolute URLs are of use. */
export function baseUrl(): string | undefined {
  return (globalThis as { document?: { baseURI: string } }).document?.baseURI ?? given;
}
