import { expect, test } from 'vitest';
import { loadCodec } from './format/codec.ts';
import { machineOfV86State, readV86State } from './v86-state.ts';
import { describeOptions, fieldTexts } from './v86-state-options.ts';

const state = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);

test('a state of v86 is taken as it is, and through zstd', async () => {
  const { compress } = await loadCodec();
  const compressed = compress(state, 3);
  for (const given of [state, new Blob([state]), compressed])
    expect(Buffer.compare(await readV86State(given), state)).toBe(0);
});

test('zstd that is damaged, or lies about its length, is refused', async () => {
  const { compress } = await loadCodec();
  const compressed = compress(state, 3);
  await expect(readV86State(compressed.slice(0, -20))).rejects.toMatchObject({
    code: 'wrong-v86-state',
  });
  const liar = compressed.slice();
  liar.fill(0xff, 5, 9);
  await expect(readV86State(liar)).rejects.toMatchObject({ code: 'wrong-v86-state' });
});

/** As v86 writes it, without the buffers. */
function stateFile(described: unknown): Uint8Array {
  const info = new TextEncoder().encode(JSON.stringify(described));
  const file = new Uint8Array(16 + info.length);
  new Uint32Array(file.buffer, 0, 4).set([0x86768676, 6, file.length, info.length]);
  file.set(info, 16);
  return file;
}

test('a state of v86 says what its machine was', () => {
  const machine: unknown[] = new Array(92).fill(null);
  machine[0] = 64 << 20;
  machine[52] = new Array(40).fill({ __state_type__: 'Uint8Array', buffer_id: 1 });
  machine[83] = ['a virtio network card'];
  machine[79] = ['a second serial port'];
  const infos = [
    { offset: 0, length: 1 },
    { offset: 4, length: 16 << 20 },
  ];
  const options = machineOfV86State(stateFile({ state: machine, buffer_infos: infos }));
  expect(options).toEqual({
    memoryMiB: 64,
    vgaMemoryMiB: 16,
    acpi: false,
    network: 'virtio',
    filesystem9p: false,
    virtioConsole: false,
    serialPorts: 2,
  });
  expect(Object.fromEntries(fieldTexts(options))).toEqual({
    memoryMiB: '64',
    vgaMemoryMiB: '16',
    acpi: '',
    network: 'virtio',
    filesystem9p: 'off',
    virtioConsole: 'off',
    serialPorts: '2',
  });
  expect(describeOptions(options).join(', ')).toBe(
    '64 MiB of RAM, 16 MiB of VGA memory, network card virtio, 2 serial ports',
  );
});

test.each([
  ['another file', new Uint8Array(100)],
  ['too short', new Uint8Array(3)],
  ['no list', stateFile({ state: {} })],
  ['no JSON', stateFile(1).fill(0, 16)],
  ['no buffers', stateFile({ state: [1 << 20], buffer_infos: [] })],
])('a file that is no state of v86 is refused: %s', (_, bytes) => {
  expect(() => machineOfV86State(bytes)).toThrow(
    expect.objectContaining({ code: 'wrong-v86-state' }),
  );
});

test('[5] a small file that claims gigabytes is refused before any memory is taken', async () => {
  const { compress } = await loadCodec();
  const claims = async (bytes: number) => {
    const file = compress(state, 3).slice();
    // RFC 8878, section 3.1.1: a content size of 4 bytes follows the descriptor.
    file[4] = 0xa0;
    new DataView(file.buffer).setUint32(5, bytes, true);
    return readV86State(file);
  };
  const refused = (bytes: number) => ({
    code: 'wrong-v86-state',
    message: `This file claims ${bytes} bytes of contents.`,
  });
  for (const bytes of [513 * 2 ** 20, 2 ** 31 + 1, 2 ** 32 - 1])
    await expect(claims(bytes)).rejects.toMatchObject(refused(bytes));
  // A size within the limit only fails because of its contents.
  await expect(claims(2 ** 20)).rejects.toMatchObject({ message: /damaged/ });
});
