/**
 * Files of machines that somebody else made: see `MachineConfig.foreign`. What such a machine reads, its
 * author may come to know. So they are asked for as a stranger would: without the cookies and passwords of the
 * visitor, who may be signed in to something else of this origin. The folder of the site itself is no secret to
 * whoever may open the page, and may need them.
 */

/** A server may take these for slashes, and the path for one that leads out of the folder. */
const hiddenSlash = /%(?:2f|5c)/i;

/**
 * For `fetch`.
 * @param url absolute
 * @param siteUrl of any file in the site's folder
 */
export function askingFor(
  url: string,
  isForeign: boolean | undefined,
  siteUrl: string | undefined,
): { credentials?: 'omit' } {
  if (!isForeign) return {};
  const folder = siteUrl === undefined ? undefined : URL.parse('./', siteUrl)?.href;
  const isOfSite = folder !== undefined && url.startsWith(folder) && !hiddenSlash.test(url);
  return isOfSite ? {} : { credentials: 'omit' };
}
