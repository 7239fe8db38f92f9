/** Saves the screen as an image file. */
import { HoldfastError } from '../../errors.ts';
import { pictureOf } from '../../pc/picture.ts';
import { encodePng } from '../../pc/png.ts';
import { encodePpm } from '../../pc/ppm.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';

export const screendump: Command = {
  names: ['screendump'],
  options: [{ letter: 'f', value: 'format' }],
  parameters: [{ name: 'file', kind: 'file' }],
  help: 'save the screen to an image file: PPM if its name ends in .ppm or with -f ppm, else PNG',
  run: async ({ machine, write }, args) => {
    const format = formatOf(args);
    const picture = pictureOf(await machine.screen());
    if (format === 'ppm')
      await write(args.text('file'), 'image/x-portable-pixmap', encodePpm(picture));
    else await write(args.text('file'), 'image/png', await encodePng(picture));
    return undefined;
  },
};

function formatOf(args: Arguments): 'png' | 'ppm' {
  const format =
    args.option('f') ?? (args.text('file').toLowerCase().endsWith('.ppm') ? 'ppm' : 'png');
  if (format === 'png' || format === 'ppm') return format;
  throw new HoldfastError('bad-command', `screendump: invalid format '${format}': png or ppm`);
}
