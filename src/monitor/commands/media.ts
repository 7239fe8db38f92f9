/** Commands for drives and their media. */
import { HoldfastError } from '../../errors.ts';
import type { BlockInfo } from '../../protocol/block-info.ts';
import {
  type DriveName,
  type DriveSource,
  driveNames,
  type RemovableDriveName,
} from '../../protocol/config.ts';
import type { Command, CommandContext } from '../command.ts';
import { evaluate } from '../expression.ts';

export const mediaCommands: readonly Command[] = [
  {
    names: ['info block'],
    parameters: [],
    help: 'show the drives, what is in them, and what the guest wrote there',
    run: async ({ machine }) => blockLines(await machine.infoBlock()),
  },
  {
    names: ['change'],
    parameters: [
      { name: 'device', kind: 'device' },
      { name: 'source', kind: 'string', optional: true },
    ],
    help: "put a medium into a drive: a URL, 'empty:1440K', or, with another name or none, a file to choose",
    run: async (context, args) => {
      const device = removableDrive('change', args.text('device'));
      await context.machine.changeMedia(device, await sourceOf(context, args.text('source')));
      return undefined;
    },
  },
  {
    names: ['eject'],
    // No drive here is ever locked, so that `-f` has no effect.
    options: [{ letter: 'f' }],
    parameters: [{ name: 'device', kind: 'device' }],
    help: 'take the medium out of a drive',
    run: async ({ machine }, args) => {
      await machine.ejectMedia(removableDrive('eject', args.text('device')));
      return undefined;
    },
  },
];

const isRemovable = (device: DriveName): device is RemovableDriveName =>
  device !== 'hda' && device !== 'hdb';

/** Names of removable drives, for completion. */
export const removableDrives: readonly string[] = driveNames.filter(isRemovable);

function removableDrive(command: string, name: string): RemovableDriveName {
  const device = driveNames.find((known) => known === name);
  if (!device)
    throw new HoldfastError(
      'bad-command',
      `${command}: Device '${name}' not found. There are: ${driveNames.join(', ')}.`,
    );
  if (!isRemovable(device))
    throw new HoldfastError('bad-command', `${command}: Device '${name}' is not removable`);
  return device;
}

async function sourceOf({ files }: CommandContext, text: string): Promise<DriveSource> {
  const empty = /^empty:(.*)$/.exec(text)?.[1];
  if (empty !== undefined) return { emptyBytes: evaluate(empty) };
  // Only text that a page resolves as a URL. A name without a path is a file.
  if (/^(https?:|blob:|\.{0,2}\/)/.test(text)) return { url: text };
  return { file: await files.read(text) };
}

function blockLines(drives: readonly BlockInfo[]): string[] {
  if (drives.length === 0) return ['This machine has no drives.'];
  return drives.flatMap(({ device, medium, inFlight }) => {
    const waiting = inFlight > 0 ? [`    Waiting: ${inFlight} operations`] : [];
    if (!medium) return [`${device}: [not inserted]`, ...waiting];
    const { base, backing, sizeBytes, overlay, cache, changed } = medium;
    return [
      `${device}: ${base} (${backing}, ${sizeBytes} bytes)`,
      `    Overlay: ${overlay.blocks} blocks of 4 KiB, ${overlay.generation} writes`,
      ...(cache
        ? [
            `    Cache: ${cache.chunks} chunks of 64 KiB, ${cache.hits} hits, ${cache.misses} misses`,
          ]
        : []),
      ...(changed === undefined ? [] : [`    Changed: ${changed}`]),
      ...waiting,
    ];
  });
}
