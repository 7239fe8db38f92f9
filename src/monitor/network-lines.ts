import type { NetworkInfo } from '../protocol/network.ts';

/** Formats `info network` in QEMU's `name: key=value,…` style. */
export function networkLines(info: NetworkInfo): string[] {
  if (info.device === 'none') return ['This machine has no network device.'];
  const { kind, ...options } = info.backend;
  const settings = Object.entries(options).map(([name, value]) => `,${name}=${value}`);
  return [
    `net0: type=nic,model=${info.device},macaddr=${info.mac ?? 'unknown'}`,
    ` \\ backend: type=${kind}${settings.join('')}`,
    `   out: ${info.framesOut} frames, ${info.bytesOut} bytes`,
    `   in: ${info.framesIn} frames, ${info.bytesIn} bytes, ${info.dropped} dropped, ${info.waiting} waiting`,
    ...info.connections.map(({ guest, remote }) => `   tcp: ${guest} -> ${remote}`),
  ];
}
