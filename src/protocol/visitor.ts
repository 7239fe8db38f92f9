/**
 * Requests for files of machines that are foreign: see `MachineConfig.foreign`. The author of such a
 * machine may learn what it reads. So the files are requested as a stranger would: without the visitor's
 * cookies and passwords. The visitor may be signed in to something else of this origin. The site's own
 * folder is exempt: it is no secret to visitors of the page, and it may need the cookies.
 */

/** A server may decode these to slashes, so that the path leaves the folder. */
const hiddenSlash = /%(?:2f|5c)/i;

/**
 * Returns options for `fetch`.
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
