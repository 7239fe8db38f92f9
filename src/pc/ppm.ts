import type { Picture } from './picture.ts';

/** Encodes a binary portable pixmap, P6: the default format of QEMU's screendump. */
export function encodePpm({ width, height, pixels }: Picture): Uint8Array {
  const header = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
  const file = new Uint8Array(header.length + width * height * 3);
  file.set(header);
  let to = header.length;
  for (let from = 0; from < width * height * 4; from += 4) {
    file[to++] = pixels[from]!;
    file[to++] = pixels[from + 1]!;
    file[to++] = pixels[from + 2]!;
  }
  return file;
}
