/** The machine of an address that describes one. */
import xxhash from 'xxhash-wasm';

/**
 * Each address that describes a machine has one of its own, so that what a link asks for neither
 * meets nor replaces the visitor's own guest; opened again, it is still there.
 * @param search `location.search`
 */
export async function linkMachineId(search: string): Promise<string> {
  const options = new URLSearchParams(search);
  options.sort();
  const { h64ToString } = await xxhash();
  return `link-${h64ToString(String(options))}`;
}
