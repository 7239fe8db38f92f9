/** CDs and floppies of the machine that runs, in its menu. Every PC here has a drive for each. */
import { HoldfastError } from '../../errors.ts';
import type { RemovableDriveName } from '../../protocol/config.ts';
import { sourceName } from '../../protocol/images.ts';
import type { Operation } from '../session/operation.ts';
import type { Session } from '../session/session.ts';
import { chooseFile } from '../ui/files.ts';
import type { MenuItem } from '../ui/menu.tsx';

interface MediaMenuOptions {
  session: Session;
  /** Shows failures to the user. */
  attempt(operation: Operation, work: () => Promise<unknown>): void;
}

/** The second floppy drive exists only in a machine that was described with it. */
const words = { cdrom: 'CD', fda: 'floppy', fdb: 'second floppy' } as const;
const removableDriveNames = ['cdrom', 'fda', 'fdb'] as const;

export class MediaMenu {
  readonly #options: MediaMenuOptions;

  constructor(options: MediaMenuOptions) {
    this.#options = options;
  }

  /** Puts a file into a drive while the guest runs. */
  insert(device: RemovableDriveName, file: File): void {
    const { session, attempt } = this.#options;
    attempt('change-medium', () =>
      session.run('change-medium', (machine) => machine.changeMedia(device, { file })),
    );
  }

  /** Its items of the menu. */
  get items(): (MenuItem | false)[] {
    return removableDriveNames.flatMap((device) => this.#itemsOf(device));
  }

  #itemsOf(device: RemovableDriveName): (MenuItem | false)[] {
    const { machine, status, busy, isWatching } = this.#options.session;
    const medium = status?.config[device];
    const isLive = ['running', 'paused', 'suspended'].includes(status?.runstate ?? '');
    const isDisabled = machine === null || busy !== null || isWatching || !isLive;
    return [
      (device !== 'fdb' || medium !== undefined) && {
        label: `${medium ? 'Change' : 'Insert'} ${words[device]}…`,
        isDisabled,
        run: () => this.#choose(device),
      },
      medium !== undefined && {
        label: `Eject ${words[device]}`,
        title: sourceName(medium),
        isDisabled,
        run: () => this.#eject(device),
      },
    ];
  }

  #choose(device: RemovableDriveName): void {
    const { session, attempt } = this.#options;
    attempt('change-medium', async () => {
      const file = await chooseFile();
      if (!file) throw new HoldfastError('cancelled', 'No file was chosen.');
      await session.run('change-medium', (machine) => machine.changeMedia(device, { file }));
    });
  }

  #eject(device: RemovableDriveName): void {
    const { session, attempt } = this.#options;
    attempt('change-medium', () =>
      session.run('change-medium', (machine) => machine.ejectMedia(device)),
    );
  }
}
