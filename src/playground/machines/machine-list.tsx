/** The dialog that lists the machines and the saved states in storage. */
import type { MachineStorage } from '../../client/types.ts';
import { foreignLimitBytes } from '../../protocol/foreign-storage.ts';
import type { StorageUsage, StoredMachineInfo, StoredStateInfo } from '../../protocol/stored.ts';
import { errorText } from '../notices/error-text.ts';
import { explained } from '../notices/site-update.ts';
import type { Session } from '../session/session.ts';
import { ask } from '../ui/ask.tsx';
import { OpenDialog } from '../ui/dialog.tsx';
import { formatBytes } from '../ui/format.ts';
import type { FileRequest } from './export-choices.ts';
import { MachineRow } from './machine-row.tsx';
import { saveStored } from './save-stored.ts';
import { StateRows } from './state-rows.tsx';
import { forgetMark } from './stored-mark.ts';
import { suspendOther } from './suspend-other.ts';

export interface MachineListOptions {
  session: Session;
  /** Opens the dialog for a new machine. */
  createMachine(): void;
}

/** The contents of storage. */
interface Listed {
  machines: readonly StoredMachineInfo[];
  states: readonly StoredStateInfo[];
  usage: StorageUsage;
}

export class MachineList {
  readonly #options: MachineListOptions;
  #dialog: OpenDialog | undefined;
  #listed: Listed | undefined;
  #message = '';

  constructor(options: MachineListOptions) {
    this.#options = options;
  }

  get #storage(): MachineStorage {
    return this.#options.session.connected.storage;
  }

  async open(): Promise<void> {
    if (this.#dialog) return;
    this.#message = '';
    this.#listed = undefined;
    const dialog = new OpenDialog({
      title: 'Machines in this browser',
      isWide: true,
      startsAtTitle: true,
      content: () => this.#content(),
      buttons: () => (
        <>
          <button type="submit" value="new">
            New machine…
          </button>
          <button type="submit" value="close">
            Close
          </button>
        </>
      ),
    });
    this.#dialog = dialog;
    void this.#refresh();
    const answer = await dialog.closed;
    this.#dialog = undefined;
    if (answer === 'new') this.#options.createMachine();
  }

  async #refresh(): Promise<void> {
    try {
      const storage = this.#storage;
      const [machines, usage, states] = await Promise.all([
        storage.list(),
        storage.usage(),
        storage.states(),
      ]);
      machines.sort((a, b) => b.lastUsedAtMs - a.lastUsedAtMs);
      states.sort((a, b) => b.savedAtMs - a.savedAtMs);
      this.#listed = { machines, states, usage };
      this.#announce(
        machines.length > 0 ? '' : 'Nothing is stored yet. A machine is saved while it runs.',
      );
    } catch (thrown) {
      this.#listed = undefined;
      await this.#showError(thrown);
    }
  }

  #content() {
    const { machines = [], states = [], usage } = this.#listed ?? {};
    const foreign = machines.filter(({ config }) => config?.foreign);
    const together = foreign.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const limitBytes = usage ? foreignLimitBytes(usage, together) : 0;
    return (
      <>
        <p role="status">{this.#message}</p>
        <ul class="machines" aria-label="Machines">
          {machines.map((machine) => (
            <MachineRow
              key={machine.id}
              machine={machine}
              limitBytes={limitBytes}
              isCurrent={machine.id === this.#options.session.machineId}
              suspend={() => void this.#suspend(machine)}
              rename={(name) => void this.#run(() => this.#storage.rename(machine.id, name))}
              duplicate={() =>
                void this.#run(() => this.#storage.duplicate(machine.id, `${machine.name} (copy)`))
              }
              exportAs={(request) => this.#export(machine, request)}
              remove={() => void this.#askRemove(machine)}
            />
          ))}
        </ul>
        <StateRows states={states} remove={(name) => void this.#askRemoveState(name)} />
        {usage && (
          <Usage usage={usage} persist={() => void this.#run(() => this.#storage.persist())} />
        )}
      </>
    );
  }

  #announce(message: string): void {
    this.#message = message;
    this.#dialog?.draw();
  }

  async #export({ id, name }: StoredMachineInfo, request: FileRequest): Promise<void> {
    this.#announce(`“${name}” is being read…`);
    try {
      const missing = await saveStored(this.#options.session, { id, name }, request);
      this.#announce([`“${name}” was saved as a file.`, ...missing].join(' '));
    } catch (thrown) {
      await this.#showError(thrown);
    }
  }

  async #askRemove(machine: StoredMachineInfo): Promise<void> {
    const yes = await ask({
      title: `Delete “${machine.name}”?`,
      text: 'Its memory and disks are deleted from this browser for good.',
      ok: 'Delete',
    });
    if (!yes) return;
    forgetMark(machine.id);
    await this.#run(() => this.#storage.remove(machine.id));
  }

  async #askRemoveState(name: string): Promise<void> {
    const yes = await ask({
      title: `Delete the state “${name}”?`,
      text: 'A machine that was saved in it cannot be loaded from it any more.',
      ok: 'Delete',
    });
    if (yes) await this.#run(() => this.#storage.removeState(name));
  }

  async #suspend({ id, name }: StoredMachineInfo): Promise<void> {
    try {
      await suspendOther(this.#options.session, id);
      this.#announce(`“${name}” is suspended: it takes no computing time until somebody uses it.`);
    } catch (thrown) {
      await this.#showError(thrown);
    }
  }

  async #run(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      await this.#refresh();
    } catch (thrown) {
      await this.#showError(thrown);
    }
  }

  async #showError(thrown: unknown): Promise<void> {
    const error = await explained(thrown, 'This did not work');
    const { title, advice } = errorText(error, 'storage');
    this.#announce(`${title}. ${advice} (${error.message})`);
  }
}

function Usage({ usage, persist }: { usage: StorageUsage; persist(): void }) {
  const { usedBytes, quotaBytes, persisted } = usage;
  const of = Number.isFinite(quotaBytes) ? ` of ${formatBytes(quotaBytes)}` : '';
  const kept = persisted
    ? 'The browser keeps it until you delete it.'
    : 'The browser may delete it when the disk is nearly full.';
  return (
    <p class="fine">
      <span>{`This site uses ${formatBytes(usedBytes)}${of}. ${kept}`}</span>
      {!persisted && (
        <button
          type="button"
          class="keep-data"
          title="Request persistent storage from the browser"
          onClick={persist}
        >
          Keep data
        </button>
      )}
    </p>
  );
}
