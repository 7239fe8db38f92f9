/**
 * Access of devices to guest RAM while pages are absent. v86's devices are JavaScript and cannot wait, so
 * they get the pages at once. They reach RAM only by the members of the CPU that are replaced here:
 *
 * - IDE: `read8`, `read16` and `read32s` for its descriptors, `write_blob` for a transfer into RAM,
 *   `mem8.subarray` for one out of it
 * - floppy and Sound Blaster, by the DMA controller: `write_blob` and `mem8.subarray`
 * - virtio: `read16`, `read32s`, `write16`, `write32` for queues, `read_blob` and `write_blob` for
 *   buffers, `zero_memory` for the balloon
 * - the commands of pages: `mem8.subarray`
 *
 * Others read the first MiB, which is always there (the alias of the firmware below 4 GiB), or nothing.
 */
import type { GuestRam } from './guest-ram.ts';

const accesses = [
  { name: 'read8', bytes: 1 },
  { name: 'read16', bytes: 2 },
  { name: 'read32s', bytes: 4 },
  { name: 'write8', bytes: 1 },
  { name: 'write16', bytes: 2 },
  { name: 'write32', bytes: 4 },
] as const;

type Members = Record<string, unknown>;

/** Replaces own members. @returns a function that restores what was there */
function replace(object: object, members: Members): () => void {
  const before = Object.keys(members).map(
    (name) => [name, Object.getOwnPropertyDescriptor(object, name)] as const,
  );
  for (const [name, value] of Object.entries(members))
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(object, name, descriptor);
      else Reflect.deleteProperty(object, name);
    }
  };
}

/** @returns a function that ends it */
export function guardDeviceAccess(cpu: V86Cpu, ram: GuestRam): () => void {
  const members: Members = {};
  for (const { name, bytes } of accesses) {
    const access = cpu[name] as (address: number, value?: number) => number;
    members[name] = (address: number, value?: number) => {
      ram.bringRange(address >>> 0, bytes);
      return access(address, value);
    };
  }
  const { read_blob, write_blob, zero_memory, mem8 } = cpu;
  const guarded: Partial<V86Cpu> = {
    read_blob(address, length) {
      ram.bringRange(address >>> 0, length);
      return read_blob.call(cpu, address, length);
    },
    write_blob(bytes, address) {
      ram.replaceRange(address >>> 0, bytes.length);
      write_blob.call(cpu, bytes, address);
    },
    zero_memory(address, length) {
      ram.replaceRange(address >>> 0, length >>> 0);
      zero_memory(address, length);
    },
  };
  const restore = [
    replace(cpu, { ...members, ...guarded }),
    replace(mem8, {
      subarray(start = 0, end = mem8.length) {
        ram.bringRange(start, end - start);
        return Uint8Array.prototype.subarray.call(mem8, start, end);
      },
    }),
  ];
  return () => {
    for (const undo of restore) undo();
  };
}
