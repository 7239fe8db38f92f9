/** Frames (one sample for each ear) a second of the runtime's output, at any rate of the guest. */
export const soundRate = 48_000;

export interface SoundBuffer {
  left: Float32Array<ArrayBuffer>;
  right: Float32Array<ArrayBuffer>;
}
