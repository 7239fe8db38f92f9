/** A CD that boots and asks for a login on the serial port. It accepts no login. */

const sectorBytes = 2048;
const said = 'login: ';

/** Positions of the sectors (ECMA-119, section 6.7; El Torito, section 2). */
const at = { volume: 16, bootRecord: 17, end: 18, catalog: 19, program: 20, count: 24 };

export function loginCd(): Uint8Array {
  const image = new Uint8Array(at.count * sectorBytes);
  const view = new DataView(image.buffer);
  const text = (sector: number, offset: number, words: string) =>
    image.set(new TextEncoder().encode(words), sector * sectorBytes + offset);
  for (const [sector, type] of [
    [at.volume, 1],
    [at.bootRecord, 0],
    [at.end, 255],
  ] as const) {
    image[sector * sectorBytes] = type;
    text(sector, 1, 'CD001');
    image[sector * sectorBytes + 6] = 1;
  }
  text(at.bootRecord, 7, 'EL TORITO SPECIFICATION');
  view.setUint32(at.bootRecord * sectorBytes + 71, at.catalog, true);
  const catalog = at.catalog * sectorBytes;
  image.set([1, 0], catalog);
  image.set([0x55, 0xaa], catalog + 30);
  // The sum of the words of this entry is 0.
  view.setUint16(catalog + 28, 0x10000 - 1 - 0xaa55, true);
  // Bootable, no emulation, one sector of 512 bytes.
  image.set([0x88, 0], catalog + 32);
  view.setUint16(catalog + 38, 1, true);
  view.setUint32(catalog + 40, at.program, true);
  image.set(program(), at.program * sectorBytes);
  return image;
}

/** `mov dx, 3f8h`; for each character `mov al, c` and `out dx, al`; `hlt`, again and again. */
function program(): number[] {
  const characters = Array.from(said, (character) => [0xb0, character.charCodeAt(0), 0xee]);
  return [0xba, 0xf8, 0x03, ...characters.flat(), 0xf4, 0xeb, 0xfd];
}
