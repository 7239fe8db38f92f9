/** API of the pages of both sides for a benchmark; each puts it at `window.bench`. */
import type { ConsoleReader } from './console-reader.ts';

export interface GuestPage {
  readonly console: ConsoleReader;
  /** Types on the serial console. */
  type(text: string): Promise<void>;
  /** Reads guest-physical memory. */
  read(address: number, length: number): Promise<Uint8Array>;
  write(address: number, bytes: Uint8Array): Promise<void>;
}

/** Milliseconds since the epoch, in fractions: the one clock that all documents share. */
export const wallMs = (): number => performance.timeOrigin + performance.now();

let commands = 0;

/**
 * Runs a shell command in the guest.
 * @returns its duration as seen from outside, ms: between the two lines that frame it.
 */
export async function timeCommand(
  page: GuestPage,
  command: string,
  timeoutMs = 120_000,
): Promise<number> {
  const id = `${++commands}_${Math.random().toString(36).slice(2, 6)}`;
  const began = page.console.waitFor(`<begin ${id}>`, timeoutMs);
  const ended = page.console.waitFor(`<end ${id}>`, timeoutMs);
  // Quoted in two, so that the shell's echo of this line is neither marker.
  await page.type(`echo '<be''gin ${id}>'; ${command}; echo '<e''nd ${id}>'\n`);
  return (await ended) - (await began);
}

/** Writes a program into the guest, in pieces that a UART's queue can hold. */
export async function sendProgram(page: GuestPage, path: string, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += 160) {
    const piece = Array.from(
      bytes.subarray(at, at + 160),
      (byte) => `\\${byte.toString(8).padStart(3, '0')}`,
    ).join('');
    await timeCommand(page, `printf '${piece}' ${at === 0 ? '>' : '>>'}${path}`);
  }
  await timeCommand(page, `chmod +x ${path}`);
}
