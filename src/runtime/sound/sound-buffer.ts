/** Frames (one sample for each ear) a second of what leaves the runtime, whatever the guest plays at. */
export const soundRate = 48_000;

export interface SoundBuffer {
  left: Float32Array<ArrayBuffer>;
  right: Float32Array<ArrayBuffer>;
}
