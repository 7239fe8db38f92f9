/** @returns a MAC address as text: `00:22:15:aa:bb:cc`. */
export const macText = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
