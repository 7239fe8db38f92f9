/** The machine of an address that describes one. */
import xxhash from 'xxhash-wasm';

/**
 * Each address that describes a machine has a machine of its own. A link therefore does not replace the
 * visitor's guest, and shows the same machine when it is opened again.
 * @param search `location.search`
 */
export async function linkMachineId(search: string): Promise<string> {
  const options = new URLSearchParams(search);
  options.sort();
  const { h64ToString } = await xxhash();
  return `link-${h64ToString(String(options))}`;
}
