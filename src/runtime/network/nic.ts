/** The network device of one runtime, as an end of the wire. */
import { macText } from './mac.ts';
import type { WireEnd } from './wire.ts';

/** @returns undefined for a machine without a network device. */
export function nicOf({ cpu, bus }: { cpu: V86Cpu; bus: V86Bus }): WireEnd | undefined {
  const { net, virtio_net } = cpu.devices;
  const device = net ?? virtio_net;
  if (!device) return undefined;
  const hasRoom = net ? () => ne2kHasRoom(net) : () => virtioHasRoom(virtio_net as V86VirtioNet);
  return {
    get mac() {
      return macText(device.mac);
    },
    receive(frame) {
      if (!hasRoom()) return false;
      bus.send('net0-receive', frame);
      return true;
    },
  };
}

/**
 * Returns true if a frame fits. v86 drops frames for which its receive ring has no room; see
 * `Ne2k.prototype.receive`.
 */
function ne2kHasRoom({ cr, pstart, pstop, curpg, boundary }: V86Ne2k): boolean {
  const pagesPerFrame = 1 + ((1514 + 4) >> 8);
  const free = boundary > curpg ? boundary - curpg : pstop - curpg + boundary - pstart;
  const stopped = (cr & 1) !== 0;
  // Frames for a device that is off are lost, as on any network.
  return stopped || boundary === 0 || free >= pagesPerFrame;
}

function virtioHasRoom({ virtio }: V86VirtioNet): boolean {
  const receiveQueue = virtio.queues[0];
  return receiveQueue?.is_configured() !== true || receiveQueue.has_request();
}

/** Sets the address of a device that no guest has used yet. */
export function setMac(devices: V86Devices, mac: string): void {
  changeMac(devices, mac);
  devices.net?.mac.set(bytesOf(mac));
}

/**
 * Changes the address that a guest's driver reads from a device in use. The address filter of an
 * NE2000 (its registers PAR0 to 5) is left to the driver. So a driver that does not read the
 * address again keeps working. v86's virtio device has no filter.
 */
export function changeMac({ net, virtio_net }: V86Devices, mac: string): void {
  const bytes = bytesOf(mac);
  if (virtio_net) virtio_net.mac = bytes;
  for (const [i, byte] of bytes.entries()) net?.memory.fill(byte, 2 * i, 2 * i + 2);
}

const bytesOf = (mac: string) =>
  Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));
