/**
 * Functions that tests run inside the page; bundled, so that they can use the same sources as the
 * page.
 */
import type { Machine } from '../../src/client/types.ts';
import { checkPattern, type PatternResult } from '../../src/runtime/testing/pattern.ts';

export { machineConfig } from '../../src/client/options/machine-config.ts';
export { connect, missingFeatures } from '../../src/index.ts';

const sliceBytes = 1024 * 1024;
/** Offsets in the pattern guest's header, see tools/guests/pattern/pattern.asm. */
const header = { address: 0x8000, bytes: 40, ramStart: 8, ramEnd: 12, lfbStart: 16, lfbEnd: 20 };

/** Checks every dword of a pattern guest, which must be paused. */
export async function inspectPattern(machine: Machine): Promise<PatternResult> {
  const slices = new Map<number, Uint8Array>();
  const head = await machine.readMemory(header.address, header.bytes);
  slices.set(header.address, head);
  const word = (offset: number) => new DataView(head.buffer).getUint32(offset, true);
  for (const [start, end] of [
    [word(header.ramStart), word(header.ramEnd)],
    [word(header.lfbStart), word(header.lfbEnd)],
  ] as const) {
    for (let address = start; address < end; address += sliceBytes) {
      const length = Math.min(sliceBytes, end - address);
      slices.set(address, await machine.readMemory(address, length));
    }
  }
  return checkPattern((address) => slices.get(address) ?? new Uint8Array());
}

/**
 * Returns the pixels of the guest's screen that differ from its frame buffer at `address`, 32 bits
 * a pixel.
 */
export async function wrongPixels(
  machine: Machine,
  canvas: HTMLCanvasElement,
  address: number,
): Promise<number> {
  const { width, height } = canvas;
  const shown = canvas.getContext('2d')?.getImageData(0, 0, width, height).data;
  const memory = await machine.readMemory(address, width * height * 4);
  let wrong = 0;
  for (let at = 0; at < memory.length; at += 4) {
    const same =
      shown?.[at] === memory[at + 2] &&
      shown?.[at + 1] === memory[at + 1] &&
      shown?.[at + 2] === memory[at];
    if (!same) wrong++;
  }
  return wrong;
}
