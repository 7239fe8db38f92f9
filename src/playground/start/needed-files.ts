/** Asks for the files of the visitor's computer that a stored machine needs to resume. */
import type { DriveName } from '../../protocol/config.ts';
import type { NeededFile, StoredMachineInfo } from '../../protocol/stored.ts';
import type { NoticeAction, Notices } from '../notices/notices.tsx';
import { storedMachines } from '../session/guest-commands.ts';
import type { Session } from '../session/session.ts';
import { chooseFile } from '../ui/files.ts';
import { formatAge, formatBytes } from '../ui/format.ts';

export type PickedFiles = Partial<Record<DriveName, File>>;

interface NeededFilesOptions {
  session: Session;
  notices: Notices;
  /**
   * Asks the user first.
   * @returns whether a new guest boots
   */
  startFresh(): Promise<boolean>;
}

const subject = 'resume-stored';

export class NeededFiles {
  readonly #options: NeededFilesOptions;

  constructor(options: NeededFilesOptions) {
    this.#options = options;
  }

  /** @param resume called with all files once they are chosen */
  async ask(given: PickedFiles, resume: (files: PickedFiles) => void): Promise<void> {
    const { session } = this.#options;
    const machines = await storedMachines(session);
    const stored = machines.find(({ id }) => id === session.machineId);
    if (stored) this.#show(stored, given, resume);
  }

  #show(
    stored: StoredMachineInfo,
    given: PickedFiles,
    resume: (files: PickedFiles) => void,
    wrong?: string,
  ): void {
    const { notices, startFresh } = this.#options;
    const missing = (stored.needs ?? []).filter(({ device }) => !given[device]);
    if (missing.length === 0) {
      resume(given);
      return;
    }
    const names = missing.map(({ name }) => name).join(' and ');
    const choose = async (needed: NeededFile) => {
      const file = await chooseFile();
      const problem = file && differenceOf(file, needed);
      const chosen = file && !problem ? { ...given, [needed.device]: file } : given;
      this.#show(stored, chosen, resume, problem);
    };
    const actions: NoticeAction[] = [
      ...missing.map((needed) => ({
        label: `Choose ${needed.name}…`,
        run: () => void choose(needed),
      })),
      {
        label: 'Start fresh…',
        run: async () => {
          if (!(await startFresh())) this.#show(stored, given, resume, wrong);
        },
      },
    ];
    const saved = formatAge(Date.now() - (stored.takenAtMs ?? Date.now()));
    notices.show(subject, {
      tone: wrong ? 'warning' : 'info',
      title: `Choose ${names} again to resume`,
      text: `“${stored.name}” was started with ${missing.length > 1 ? 'these files' : 'this file'} of your computer, which a page cannot open again by itself. Nothing of it is lost: it resumes as it was ${saved} ago.`,
      ...(wrong && { detail: wrong }),
      lasting: true,
      actions,
    });
  }
}

/** The reason why the file differs from the machine's own. Undefined if it is the same. */
function differenceOf(
  file: File,
  { name, sizeBytes, lastModifiedMs }: NeededFile,
): string | undefined {
  const describe = (size: number, changedMs: number) =>
    `${formatBytes(size)}, changed on ${new Date(changedMs).toLocaleString()}`;
  if (file.size === sizeBytes && file.lastModified === lastModifiedMs) return undefined;
  return `“${file.name}” is another file (${describe(file.size, file.lastModified)}) than “${name}” was (${describe(sizeBytes, lastModifiedMs)}).`;
}
