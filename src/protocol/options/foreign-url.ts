/** URLs from the address of the page, or from a state file. Their author is unknown. */
import { sitePrefix } from '../portable-url.ts';

const webProtocols: readonly string[] = ['http:', 'https:'];

/** Completes the sentence "… may be". */
export const allowedUrl = 'an address of a file, relative to this page or with http: or https:';

/** A URL with a password in it is rejected: `fetch` does not take it. */
const isAnonymous = ({ username, password }: URL): boolean => username === '' && password === '';

/** @returns the absolute address, or undefined for what is no file of a web server */
export function fileUrl(value: string, base: string): string | undefined {
  const url = value === '' ? null : URL.parse(value, base);
  return url && webProtocols.includes(url.protocol) && isAnonymous(url) ? url.href : undefined;
}

const longestUrl = 8192;

/** @returns the absolute URL, or undefined for one that is not taken from a state file */
export function fromPortableUrl(
  portable: string,
  siteUrl: string,
  protocols = webProtocols,
): string | undefined {
  if (portable.length > longestUrl) return undefined;
  const isOfSite = portable.startsWith(sitePrefix);
  const url = isOfSite
    ? URL.parse(portable.slice(sitePrefix.length), siteUrl)
    : URL.parse(portable);
  if (!url || !isAnonymous(url)) return undefined;
  if (isOfSite && !url.href.startsWith(siteUrl)) return undefined;
  // In Node the files of the site are on this computer; no others are to be reached.
  const isFile = isOfSite && protocols === webProtocols && url.protocol === 'file:';
  return isFile || protocols.includes(url.protocol) ? url.href : undefined;
}
