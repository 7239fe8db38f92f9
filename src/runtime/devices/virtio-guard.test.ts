import { expect, test } from 'vitest';
import { guardQueue } from './virtio-guard.ts';

type Queue = Parameters<typeof guardQueue>[0];
type Descriptor = ReturnType<Queue['get_descriptor']>;

/**
 * A queue that follows chains as v86 does (VirtQueueBufferChain), with a guest's contents in its
 * memory.
 */
function queueWith(describe: (table: number, index: number) => Partial<Descriptor>) {
  let reads = 0;
  const queue = {
    get_descriptor(table: number, index: number) {
      if (++reads > 1_000_000) throw new Error('v86 follows this chain for ever');
      return { addr_low: 0, addr_high: 0, len: 0, flags: 0, next: 0, ...describe(table, index) };
    },
    pop_request() {
      let [table, index, length] = [0, 0, 0];
      let buffers = 0;
      for (;;) {
        const { addr_low, len, flags, next } = queue.get_descriptor(table, index);
        if (flags & 4) {
          [table, index] = [addr_low, 0];
          continue;
        }
        length += len;
        buffers++;
        if (!(flags & 1)) return { length_readable: length, buffers };
        index = next;
      }
    },
  };
  guardQueue(queue as unknown as Queue);
  return () => ({ ...queue.pop_request(), reads });
}

test('[6] an indirect table that leads to itself ends', () => {
  const pop = queueWith(() => ({ flags: 4, addr_low: 0x1000, len: 16 }));
  expect(pop().length_readable).toBe(0);
});

test('[6] a chain that leads back to its beginning ends, and the next one begins anew', () => {
  const pop = queueWith(() => ({ flags: 1, next: 0, len: 100 }));
  for (let i = 0; i < 3; i++) expect(pop().buffers).toBe(1025);
});

test('[6] lengths are unsigned, and 2 MiB in all at most', () => {
  const chain = [
    { len: -1, flags: 1, next: 1 },
    { len: 0x7fff_ffff, flags: 1, next: 2 },
    { len: 5 },
  ];
  const pop = queueWith((_, index) => chain[index] ?? {});
  expect(pop().length_readable).toBe(2 * 1024 * 1024);
});

test('requests of real drivers pass unchanged', () => {
  const chain = [
    { len: 16, flags: 1, next: 1 },
    { len: 4096, flags: 3, next: 2 },
    { len: 512, flags: 2 },
  ];
  const pop = queueWith((_, index) => chain[index] ?? {});
  expect(pop()).toMatchObject({ length_readable: 16 + 4096 + 512, buffers: 3 });
});

test('[6] a table outside of the guest memory, which reads as nothing, ends the chain', () => {
  const nothing = { addr_low: undefined, len: undefined, flags: undefined, next: undefined };
  const pop = queueWith(() => nothing as unknown as Descriptor);
  expect(pop()).toMatchObject({ length_readable: 0, buffers: 1 });
});
