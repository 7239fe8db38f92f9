/** Parts of a stored machine that its user can export as a file. No DOM. */
import { driveNames } from '../../protocol/config.ts';
import { sourceName } from '../../protocol/images.ts';
import type { ExportRequest, StoredMachineInfo } from '../../protocol/stored.ts';

/** `state`: a state file, which any browser can open. */
export type FileRequest = ExportRequest | { kind: 'state' };

interface ExportChoice {
  label: string;
  /** Details for a tooltip. */
  title: string;
  request: FileRequest;
}

/** A state to resume elsewhere, the disks that a guest writes to, and everything. */
export function exportChoices({ config }: Pick<StoredMachineInfo, 'config'>): ExportChoice[] {
  const disks = driveNames.flatMap((device): ExportChoice[] => {
    const source = config?.[device];
    if (!source || device === 'cdrom') return [];
    return [
      {
        label: `Disk ${device}`,
        title: `${sourceName(source)} with what the guest wrote to it, as a raw image`,
        request: { kind: 'disk', device },
      },
    ];
  });
  return [
    {
      label: 'State file',
      title: 'All that another browser needs to resume the machine',
      request: { kind: 'state' },
    },
    ...disks,
    {
      label: 'Everything',
      title: 'Memory, devices, disks and consoles, as a tar archive',
      request: { kind: 'everything' },
    },
  ];
}
