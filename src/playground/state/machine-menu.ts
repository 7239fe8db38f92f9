/** Saving, loading, suspending: CPR in the menu. */
import { runtimes } from 'virtual:holdfast-build';
import { HoldfastError } from '../../errors.ts';
import type { CprMode, CprSource, CprTarget } from '../../protocol/cpr.ts';
import type { Runstate } from '../../protocol/events.ts';
import type { Notices } from '../notices/notices.tsx';
import { cprLoad, cprSave, resetDisks } from '../session/guest-commands.ts';
import type { Operation } from '../session/operation.ts';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { chooseFile, download, saveHandle } from '../ui/files.ts';
import { Menu, type MenuItem } from '../ui/menu.tsx';
import { runtimeSource } from '../ui/runtime-source.ts';
import { CheckpointSwitch } from './checkpoint-switch.ts';
import { askResetDisks, writableDisks } from './disk-reset.ts';
import { MediaMenu } from './media-menu.ts';
import { askForState, type Place } from './state-dialog.tsx';

/** States that a cprSave starts from. */
const savable: readonly Runstate[] = ['running', 'paused', 'suspended'];

interface MachineMenuActions {
  /** Shows failures to the user. */
  attempt(operation: Operation, work: () => Promise<unknown>): void;
  /** Another guest may replace the present one. */
  expectNewMachine(): void;
  newMachineBegan(): void;
  openStateFile(file: File): Promise<void>;
  newMachine(): void;
  notices: Notices;
}

export class MachineMenu {
  readonly #session: Session;
  readonly #actions: MachineMenuActions;
  readonly media: MediaMenu;
  readonly #checkpoints: CheckpointSwitch;
  /** Returns the state that was saved last, for as long as this page lives. */
  #saved: (() => Promise<CprSource>) | null = null;

  constructor(session: Session, actions: MachineMenuActions) {
    this.#session = session;
    this.#actions = actions;
    const { attempt, notices } = actions;
    this.#checkpoints = new CheckpointSwitch({ session, notices, attempt });
    this.media = new MediaMenu({ session, attempt });
    const menu = new Menu({
      opener: element('machine-menu-open', HTMLButtonElement),
      label: 'Machine',
      items: () => this.#items,
    });
    session.onChange(() => {
      this.#forgetSaved();
      menu.changed();
    });
  }

  get #items(): (MenuItem | 'separator' | false)[] {
    const { machine, status, busy, isWatching } = this.#session;
    const { newMachine } = this.#actions;
    const runstate = status?.runstate;
    const isFree = busy === null && machine !== null && !isWatching;
    const canSave = isFree && runstate !== undefined && savable.includes(runstate);
    const isLive = runstate === 'running' || runstate === 'paused';
    const canSuspend = runstate === 'running' || runstate === 'suspended';
    return [
      { label: 'Save state…', isDisabled: !canSave, run: () => void this.#askSave('restart') },
      { label: 'Load state…', isDisabled: !isFree, run: () => void this.askLoad() },
      {
        label: 'Save and shut down…',
        isDisabled: !canSave,
        run: () => void this.#askSave('reboot'),
      },
      this.#checkpoints.item,
      'separator',
      ...this.media.items,
      'separator',
      { label: 'New machine…', run: newMachine },
      { label: 'Open state file…', run: () => this.#openStateFile() },
      'separator',
      {
        label: runstate === 'suspended' ? 'Wake up' : 'Suspend',
        isDisabled: !isFree || !canSuspend,
        run: () => this.toggleSuspended(),
      },
      {
        label: 'Send Ctrl+Alt+Delete',
        isDisabled: !isFree || !canSuspend,
        run: () => this.#sendCtrlAltDelete(),
      },
      writableDisks(status?.config).length > 0 && {
        label: 'Reset disks…',
        title: 'Discard what the guest wrote to its disks',
        isDisabled: !isFree || !isLive,
        run: () => void this.#resetDisks(),
      },
    ];
  }

  /** The saved state is useful until the guest runs again. */
  #forgetSaved(): void {
    const { status, busy, isSavedAway } = this.#session;
    const waits = status?.runstate === 'inmigrate' || isSavedAway;
    if (!waits && busy === null) this.#saved = null;
  }

  /** Whether this page has the state that the guest waits for. */
  get hasSaved(): boolean {
    return this.#saved !== null;
  }

  toggleSuspended(): void {
    if (this.#session.status?.runstate === 'suspended')
      this.#actions.attempt('wake-up', () =>
        this.#session.run('wake-up', (machine) => machine.wakeup()),
      );
    else
      this.#actions.attempt('suspend', () =>
        this.#session.run('suspend', (machine) => machine.suspend()),
      );
  }

  loadSaved(): void {
    const saved = this.#saved;
    if (!saved) return;
    this.#actions.attempt('load-state', async () => this.#load(await saved()));
  }

  goBack(): void {
    this.#actions.attempt('go-back', () =>
      this.#session.run('go-back', (machine) => machine.cprCancel()),
    );
  }

  async askLoad(): Promise<void> {
    const { status } = this.#session;
    const hasGuest = status !== null && status.runstate !== 'inmigrate' && !status.destroyed;
    const answer = await askForState({
      title: 'Load state',
      text: [
        'The guest resumes as it was when the state was saved: running, paused or suspended.',
        ...(hasGuest
          ? [
              'The guest that is here now keeps running until the whole state is read and checked. Then it is discarded, with its memory and disks.',
            ]
          : []),
      ],
      ok: hasGuest ? 'Discard and load' : 'Load',
      direction: 'load',
    });
    if (!answer) return;
    // The file dialog needs the click that closed the dialog: nothing may come in between.
    this.#actions.attempt('load-state', async () => {
      const source = await sourceAt(answer.place);
      await this.#load(source, hasGuest);
    });
  }

  #openStateFile(): void {
    this.#actions.attempt('open-state', async () => {
      const file = await chooseFile();
      if (!file) throw new HoldfastError('cancelled', 'No file was chosen.');
      await this.#actions.openStateFile(file);
    });
  }

  async #load(source: CprSource, replace = false): Promise<void> {
    if (replace) this.#actions.expectNewMachine();
    await cprLoad(this.#session, source, { replace });
    if (replace) this.#actions.newMachineBegan();
    this.#saved = null;
  }

  async #askSave(mode: CprMode): Promise<void> {
    const { machine, status } = this.#session;
    if (!machine || !status) return;
    let blockers: Awaited<ReturnType<typeof machine.cprBlockers>>;
    try {
      blockers = await machine.cprBlockers(mode);
    } catch (thrown) {
      this.#actions.attempt('save-state', () => Promise.reject(thrown));
      return;
    }
    const present = runtimes.filter(({ id }) => id === status.runtimeId);
    const others = runtimes.filter(({ id }) => id !== status.runtimeId);
    const answer = await askForState({
      ...saveWords[mode],
      direction: 'save',
      blockers,
      ...(mode === 'restart' && { runtimes: [...present, ...others] }),
    });
    if (!answer) return;
    this.#actions.attempt('save-state', async () => {
      const name = fileName(mode);
      const place = await targetAt(answer.place, name);
      const { bytes } = await cprSave(this.#session, place.target, {
        mode,
        ...(answer.runtime && { runtime: runtimeSource(answer.runtime) }),
      });
      if (bytes) download(name, new Blob([bytes as Uint8Array<ArrayBuffer>]));
      this.#saved = () => place.sourceOf(bytes);
      this.#session.changed();
    });
  }

  async #resetDisks(): Promise<void> {
    const disks = await askResetDisks(this.#session);
    if (disks.length > 0) this.#actions.attempt('reset', () => resetDisks(this.#session, disks));
  }

  #sendCtrlAltDelete(): void {
    this.#session.send(async (machine) => {
      await machine.scancodes([0x1d, 0x38, 0xe0, 0x53]);
      await machine.scancodes([0xe0, 0xd3, 0xb8, 0x9d]);
    });
  }
}

const saveWords = {
  restart: {
    title: 'Save state',
    text: [
      'The guest stops, and the state of its devices is saved. Its memory stays in this browser.',
      'The machine then waits. Load the state to resume it on the emulator that you choose here, or go back to the present one.',
    ],
    ok: 'Save state',
  },
  reboot: {
    title: 'Save and shut down',
    text: [
      'Everything that the guest needs is written to the storage of this browser, and the machine ends. You may then close the browser.',
      'The state of its devices is saved where you choose. Load it in this browser to resume the guest.',
    ],
    ok: 'Save and shut down',
  },
} as const;

function fileName(mode: CprMode): string {
  const time = new Date().toISOString().slice(0, 16).replaceAll(':', '-');
  return `holdfast-${mode}-${time}.vmstate`;
}

interface TargetPlace {
  target: CprTarget;
  /** @param bytes the state, where the target was bytes */
  sourceOf(bytes: Uint8Array | undefined): Promise<CprSource>;
}

/** @throws HoldfastError `cancelled` */
async function targetAt(place: Place, name: string): Promise<TargetPlace> {
  if (place.kind === 'store') return { target: place, sourceOf: async () => place };
  const handle = await saveHandle(name);
  if (handle)
    return {
      target: { kind: 'file', handle },
      sourceOf: async () => ({ kind: 'file', file: await handle.getFile() }),
    };
  return {
    target: { kind: 'bytes' },
    sourceOf: async (bytes = new Uint8Array()) => ({ kind: 'bytes', bytes }),
  };
}

/** @throws HoldfastError `cancelled` */
async function sourceAt(place: Place): Promise<CprSource> {
  if (place.kind === 'store') return place;
  const file = await chooseFile();
  if (!file) throw new HoldfastError('cancelled', 'No file was chosen.');
  return { kind: 'file', file };
}
