/** CDs and floppies of the machine that runs, in its menu. Every PC here has a drive for each. */
import { HoldfastError } from '../../errors.ts';
import type { RemovableDriveName } from '../../protocol/config.ts';
import { sourceName } from '../../protocol/images.ts';
import type { Operation } from '../operation.ts';
import type { Session } from '../session.ts';
import { chooseFile } from '../ui/files.ts';
import type { Menu } from '../ui/menu.ts';

interface MediaMenuOptions {
  session: Session;
  menu: Menu;
  /** Failures are told to the person in front. */
  attempt(operation: Operation, work: () => Promise<unknown>): void;
}

/** The second floppy drive is there for a machine that was described with it. */
const words = { cdrom: 'CD', fda: 'floppy', fdb: 'second floppy' } as const;

export class MediaMenu {
  readonly #options: MediaMenuOptions;

  constructor(options: MediaMenuOptions) {
    this.#options = options;
    for (const device of ['cdrom', 'fda', 'fdb'] as const) this.#add(device);
  }

  /** Puts a file into a drive while the guest runs. */
  insert(device: RemovableDriveName, file: File): void {
    const { session, attempt } = this.#options;
    attempt('change-medium', () =>
      session.run('change-medium', (machine) => machine.changeMedia(device, { file })),
    );
  }

  #add(device: RemovableDriveName): void {
    const { session, menu } = this.#options;
    const change = menu.add('', () => this.#choose(device));
    const eject = menu.add('', () => this.#eject(device));
    const show = () => {
      const { machine, status, busy, isWatching } = session;
      const medium = status?.config[device];
      change.textContent = `${medium ? 'Change' : 'Insert'} ${words[device]}…`;
      change.hidden = device === 'fdb' && !medium;
      eject.textContent = `Eject ${words[device]}`;
      eject.title = medium ? sourceName(medium) : '';
      eject.hidden = !medium;
      const isLive = ['running', 'paused', 'suspended'].includes(status?.runstate ?? '');
      const isFree = machine !== null && busy === null && !isWatching && isLive;
      change.disabled = !isFree;
      eject.disabled = !isFree;
    };
    session.onChange(show);
    show();
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
