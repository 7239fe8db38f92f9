/** The rows of the dialog that ask for an image. */
import { ImageRow, type ImageRowOptions } from './image-row.ts';
import { type ImageField, imageFields } from './machine-draft.ts';

const medium = { origins: ['none', 'file', 'url'], isDisk: true } as const;
const disk = { origins: ['none', 'file', 'url', 'empty'], isDisk: true } as const;
const kernel = { origins: ['file', 'url'], isDisk: false } as const;
const optional = { origins: ['none', 'file', 'url'], isDisk: false } as const;

const kinds: Record<ImageField, Omit<ImageRowOptions, 'field'>> = {
  cdrom: { label: 'CD', none: 'No CD', ...medium },
  hda: { label: 'Hard disk', none: 'No hard disk', ...disk },
  hdb: { label: 'Second hard disk', ...disk },
  fda: { label: 'Floppy', none: 'No floppy', ...medium, isDisk: false },
  fdb: { label: 'Second floppy', ...medium, isDisk: false },
  bzImage: { label: 'Kernel', ...kernel },
  multiboot: { label: 'Kernel', ...kernel },
  initrd: { label: 'Initial RAM disk', ...optional },
  bios: { label: 'BIOS', none: 'SeaBIOS', ...optional },
  vgaBios: { label: 'VGA BIOS', none: 'That of SeaBIOS', ...optional },
};

export function imageRows(changed: (field: ImageField) => void): Record<ImageField, ImageRow> {
  const rows = imageFields.map((field) => [
    field,
    new ImageRow({ field, ...kinds[field] }, () => changed(field)),
  ]);
  return Object.fromEntries(rows) as Record<ImageField, ImageRow>;
}
