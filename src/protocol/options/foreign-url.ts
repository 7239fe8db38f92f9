/** URLs from the address of the page, or from a state file. Their author is unknown. */

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

/** Stands in state files for the site that a state is opened on, where a file lies beside the page. */
const sitePrefix = 'site:';
const longestUrl = 8192;

/** @param siteUrl address of the site's root: URLs under it become relative to any site's */
export const toPortableUrl = (url: string, siteUrl: string): string =>
  url.startsWith(siteUrl) ? sitePrefix + url.slice(siteUrl.length) : url;

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
