/** URLs on their way to another site. */

/** Stands for the site that a state is opened on, where a file lies beside the page. */
export const sitePrefix = 'site:';

/** @param siteUrl address of the site's root: URLs under it become relative to any site's */
export const toPortableUrl = (url: string, siteUrl: string): string =>
  url.startsWith(siteUrl) ? sitePrefix + url.slice(siteUrl.length) : url;
