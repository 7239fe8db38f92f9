/** Options in the address that this page does not know. No DOM. */
import { similarName } from '../../client/options/similar-name.ts';
import { driveNames } from '../../protocol/config.ts';

const ofDrives = driveNames.flatMap((drive) => [
  `${drive}.url`,
  `${drive}.size`,
  `${drive}.async`,
  `${drive}.part_size`,
  `${drive}.empty`,
]);

/** All that url-options.ts and its like read; a test compares. */
export const knownOptions: readonly string[] = [
  ...['guest', 'm', 'boot', 'state', 'opened', 'runtime', 'machine', 'durable', 'host', 'c', 's'],
  ...['cmdline', 'keyboard', 'vram', 'boot_order', 'acpi', 'sound', 'virtio_console', 'filesystem'],
  ...['bzimage.url', 'initrd.url', 'multiboot.url', 'bios.url', 'vga_bios.url'],
  ...['net_device_type', 'mac', 'relay_url', 'serial_ports', 'cpuid_level', 'disable_jit'],
  ...['filesystem.basefs', 'filesystem.baseurl'],
  ...ofDrives,
];

/** Who leads to a page likes to know that he did. */
const ofTrackers = /^(?:utm_|_ga|_gl|mc_[ce]id$|ref$)|clid$/;

export interface UnknownOption {
  option: string;
  value: string;
  /** The option that it is probably meant to be. */
  meant?: string;
}

/** Those of an address, without what trackers add. */
export function unknownOptions(query: URLSearchParams): UnknownOption[] {
  const unknown: UnknownOption[] = [];
  for (const [option, value] of query) {
    if (knownOptions.includes(option) || ofTrackers.test(option)) continue;
    const meant = similarName(option, knownOptions);
    unknown.push({ option, value, ...(meant !== undefined && { meant }) });
  }
  return unknown;
}
