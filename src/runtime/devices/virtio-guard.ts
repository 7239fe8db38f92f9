/**
 * Limits the work of v86's virtio devices for one request. A chain of descriptors is followed to
 * its end, in indirect tables for ever. v86 allocates the lengths in them. Here a chain ends after
 * as many descriptors and bytes as any driver uses.
 */

/** Linux uses 128 entries for 9p with 512 KiB, and fewer elsewhere. */
const chainLimit = { descriptors: 1024, bytes: 2 * 1024 * 1024 };

const guarded = new WeakSet<V86VirtQueue>();

export function guardVirtio({ devices }: V86Cpu): void {
  for (const name of ['virtio_9p', 'virtio_net', 'virtio_console', 'virtio_balloon']) {
    const device = devices[name] as { virtio?: { queues: V86VirtQueue[] } } | undefined;
    for (const queue of device?.virtio?.queues ?? []) guardQueue(queue);
  }
}

export function guardQueue(queue: V86VirtQueue): void {
  if (guarded.has(queue)) return;
  guarded.add(queue);
  const { pop_request: pop, get_descriptor: read } = queue;
  queue.has_request = function has_request() {
    const waiting = this.count_requests();
    // A driver has no more requests than the queue's size: a larger number is ignored.
    return waiting > 0 && waiting <= this.size;
  };
  let left = { ...chainLimit };
  queue.pop_request = function pop_request() {
    left = { ...chainLimit };
    return pop.call(this);
  };
  queue.get_descriptor = function get_descriptor(table, index) {
    if (left.descriptors-- <= 0) return lastDescriptor();
    const descriptor = read.call(this, table, index);
    // A table beyond the guest's memory reads as undefined; a length is unsigned.
    const { len, flags, next, addr_low, addr_high } = descriptor;
    const bytes = Math.min(Number(len) >>> 0, left.bytes);
    left.bytes -= bytes;
    return {
      addr_low: addr_low ?? 0,
      addr_high: addr_high ?? 0,
      len: bytes,
      flags: flags ?? 0,
      next: next ?? 0,
    };
  };
}

/** Returns a descriptor that ends the chain. */
const lastDescriptor = (): V86Descriptor => ({
  addr_low: 0,
  addr_high: 0,
  len: 0,
  flags: 0,
  next: 0,
});
