/** The machine of an address that describes one. */

/**
 * Each address that describes a machine has one of its own, so that what a link asks for neither
 * meets nor replaces the visitor's own guest; opened again, it is still there.
 * @param search `location.search`
 */
export async function linkMachineId(search: string): Promise<string> {
  const options = new URLSearchParams(search);
  options.sort();
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(String(options)));
  const bytes = new Uint8Array(digest).subarray(0, 8);
  return `link-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
