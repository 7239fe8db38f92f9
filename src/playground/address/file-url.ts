/** Completes the sentence "It may be …". */
export const allowedUrl = 'an address of a file, relative to this page or with http: or https:';

/** @returns the absolute address, or undefined for what is no file of a web server */
export function fileUrl(value: string, base: string): string | undefined {
  if (value === '' || !URL.canParse(value, base)) return undefined;
  const url = new URL(value, base);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  // An address with a password in it belongs to somebody, and no fetch takes it.
  return isWeb && url.username === '' && url.password === '' ? url.href : undefined;
}
