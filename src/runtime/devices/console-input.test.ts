import { describe, expect, it } from 'vitest';
import { ConsoleInput, parseConsoleInput } from './console-input.ts';

type Cpu = ConstructorParameters<typeof ConsoleInput>[0];
type Bus = ConstructorParameters<typeof ConsoleInput>[1];

const bytes = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => from + i);

/** A serial port that holds anything, as v86's does, and a virtio console with `buffers` posted. */
function consoles(buffers: number[] = []) {
  const fifo: number[] = [];
  const received: number[] = [];
  const queue = {
    is_configured: () => true,
    has_request: () => buffers.length > 0,
    pop_request: () => ({ length_writable: buffers.shift() ?? 0 }),
  };
  const devices = {
    uart0: { input: fifo },
    virtio_console: {
      virtio: { queues: [queue] },
      Send: (_queue: number, _buffer: object, part: Uint8Array) => received.push(...part),
    },
  };
  const bus = {
    send: (event: string, byte: number) => event === 'serial0-input' && fifo.push(byte),
  };
  const input = new ConsoleInput({ devices } as unknown as Cpu, bus as unknown as Bus);
  return { input, fifo, received };
}

describe('console input', () => {
  it('reaches a serial port no faster than its FIFO is read', () => {
    const { input, fifo } = consoles();
    input.send('serial0', bytes(40));
    expect(fifo).toEqual([...bytes(16)]);
    expect(input.pump()).toBe(false);
    fifo.splice(0, 10);
    expect(input.pump()).toBe(true);
    expect(fifo).toEqual([...bytes(16, 10)]);
    fifo.length = 0;
    input.pump();
    expect(fifo).toEqual([...bytes(14, 26)]);
  });

  it('waits until the guest posts buffers on a virtio console, and fills them exactly', () => {
    const buffers: number[] = [];
    const { input, received } = consoles(buffers);
    input.send('virtio-console0', bytes(100));
    input.send('virtio-console0', bytes(50, 100));
    expect(received).toEqual([]);
    buffers.push(30, 40);
    expect(input.pump()).toBe(true);
    expect(received).toEqual([...bytes(70)]);
    buffers.push(4096, 4096);
    input.pump();
    expect(received).toEqual([...bytes(150)]);
    expect(buffers).toEqual([4096]);
  });

  it('goes from one runtime to the next', () => {
    const first = consoles();
    expect(first.input.save()).toBeUndefined();
    first.input.send('serial0', bytes(40));
    const second = consoles();
    second.input.load(parseConsoleInput(first.input.save() as Uint8Array));
    second.input.pump();
    expect(second.fifo).toEqual([...bytes(16, 16)]);
    expect(first.fifo).toEqual([...bytes(16)]);
  });

  it('is not for the guest after a reset', () => {
    const { input, fifo } = consoles();
    input.send('serial0', bytes(40));
    input.clear();
    fifo.length = 0;
    expect(input.pump()).toBe(false);
    expect(input.save()).toBeUndefined();
  });

  it('refuses what no console could take', () => {
    const { input } = consoles();
    const code = (expected: string) => expect.objectContaining({ code: expected });
    expect(() => input.send('serial3', bytes(1))).toThrow(code('bad-config'));
    const large = () => input.send('serial0', new Uint8Array(17 * 1024 * 1024));
    expect(large).toThrow(code('busy'));
    expect(large).toThrow(/17825792 more\. Send them in smaller parts\./);
  });
});
