/**
 * The guest's direct way to its frame buffer, see tools/wasm/direct-frame-buffer.ts.
 *
 * An entry of the TLB that lets writes pass marks its page as changed once, when it is made. So after
 * each picture these entries become read-only: the next write makes them again.
 */
import { writeMapAddress } from './write-tracking.ts';

/** Page numbers in the module's list, `listEntries` there. */
const listEntries = 16_384;
const videoListBytes = listEntries * 4;

/** In the runtime's own part of the memory. */
export const videoListAddress = (runtimeBytes: number) =>
  writeMapAddress(runtimeBytes) - videoListBytes;

/** Added by tools/wasm/direct-frame-buffer.ts, if it could patch this version. */
export interface FrameBufferGlobals {
  /** Start of video memory as a distance from the start of RAM. */
  video_window?: WebAssembly.Global<'i32'>;
  /** 0: the guest has no direct way. */
  video_bytes?: WebAssembly.Global<'i32'>;
  /** End of what an address of an entry may reach in memory: of RAM, or of video memory behind it. */
  direct_end?: WebAssembly.Global<'i32'>;
  video_list?: WebAssembly.Global<'i32'>;
  /** Entries listed since the last picture. */
  video_count?: WebAssembly.Global<'i32'>;
}

/** Bit of a TLB entry, v86's cpu.rs. */
const readonly = 2;
const tlbEntries = 1 << 20;

interface Place {
  address: number;
  sizeBytes: number;
}

/** Tells the module where RAM and video memory are, as far as they are allocated. */
export function locateFrameBuffer(
  globals: FrameBufferGlobals,
  {
    ram,
    vram,
    listAddress,
  }: { ram: Place | undefined; vram: Place | undefined; listAddress: number },
): void {
  const { video_window, video_bytes, direct_end, video_list } = globals;
  if (!(video_window && video_bytes && direct_end && video_list)) return;
  video_list.value = listAddress;
  direct_end.value = ram?.sizeBytes ?? 0;
  if (!ram || !vram || vram.address < ram.address + ram.sizeBytes) return;
  video_window.value = vram.address - ram.address;
  video_bytes.value = vram.sizeBytes;
  direct_end.value = video_window.value + vram.sizeBytes;
}

/** Makes the entries read-only that were made since the last call. The guest must be between two slices. */
export function protectFrameBuffer(
  globals: FrameBufferGlobals,
  { buffer, tlbAddress }: { buffer: ArrayBufferLike; tlbAddress: number },
): void {
  const { video_list, video_count } = globals;
  if (!video_list || !video_count) return;
  const count = video_count.value >>> 0;
  if (count === 0) return;
  video_count.value = 0;
  const tlb = new Int32Array(buffer, tlbAddress, tlbEntries);
  const list = new Uint32Array(buffer, video_list.value, listEntries);
  for (const page of list.subarray(0, Math.min(count, listEntries))) {
    const entry = tlb[page];
    // An entry of another page may have taken the place: then that page is walked to once more.
    if (entry) tlb[page] = entry | readonly;
  }
}
