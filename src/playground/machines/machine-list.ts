/** The dialog that lists the machines in storage. */

import type { MachineStorage } from '../../client/types.ts';
import { foreignLimitBytes } from '../../protocol/foreign-storage.ts';
import type { StorageUsage, StoredMachineInfo } from '../../protocol/stored.ts';
import { addressOf } from '../address/machine-address.ts';
import { errorText } from '../notices/error-text.ts';
import { explained } from '../notices/site-update.ts';
import type { Session } from '../session.ts';
import { forgetMark } from '../start/stored-mark.ts';
import { ask } from '../ui/dialogs.ts';
import { button, create, element } from '../ui/element.ts';
import { formatAge, formatBytes } from '../ui/format.ts';
import { exportChoices, type FileRequest } from './export-choices.ts';
import { saveStored } from './save-stored.ts';
import { StateList } from './state-list.ts';
import { suspendOther } from './suspend-other.ts';

interface MachineListOptions {
  session: Session;
  /** Asks for a machine of a new id. */
  createMachine(): void;
}

export class MachineList {
  readonly #options: MachineListOptions;
  readonly #dialog = element('machines-dialog', HTMLDialogElement);
  readonly #rows = element('machines-rows', HTMLUListElement);
  readonly #message = element('machines-message', HTMLElement);
  readonly #usage = element('machines-usage', HTMLElement);
  readonly #states = new StateList((work) => void this.#run(work));
  readonly #persist = element('machines-persist', HTMLButtonElement);

  constructor(options: MachineListOptions) {
    this.#options = options;
    element('machines', HTMLButtonElement).addEventListener('click', () => void this.open());
    element('machines-new', HTMLButtonElement).addEventListener('click', () => {
      this.#dialog.close();
      options.createMachine();
    });
    this.#persist.addEventListener('click', () => void this.#run(() => this.#storage.persist()));
  }

  get #storage(): MachineStorage {
    return this.#options.session.connected.storage;
  }

  async open(): Promise<void> {
    if (!this.#dialog.open) this.#dialog.showModal();
    element('machines-title', HTMLElement).focus();
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    try {
      const storage = this.#storage;
      const [machines, usage] = await Promise.all([
        storage.list(),
        storage.usage(),
        this.#states.refresh(storage),
      ]);
      machines.sort((a, b) => b.lastUsedAtMs - a.lastUsedAtMs);
      const foreign = machines.filter(({ config }) => config?.foreign);
      const together = foreign.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const limitBytes = foreignLimitBytes(usage, together);
      this.#rows.replaceChildren(...machines.map((machine) => this.#row(machine, limitBytes)));
      this.#message.textContent =
        machines.length > 0 ? '' : 'Nothing is stored yet. A machine is saved while it runs.';
      this.#showUsage(usage);
    } catch (thrown) {
      this.#rows.replaceChildren();
      this.#showError(thrown);
    }
  }

  #showUsage({ usedBytes, quotaBytes, persisted }: StorageUsage): void {
    const of = Number.isFinite(quotaBytes) ? ` of ${formatBytes(quotaBytes)}` : '';
    const kept = persisted
      ? 'The browser keeps it until you delete it.'
      : 'The browser may delete it when the disk is nearly full.';
    this.#usage.textContent = `This site uses ${formatBytes(usedBytes)}${of}. ${kept}`;
    this.#persist.hidden = persisted;
  }

  /** @param limitBytes what it may take, if somebody else made it */
  #row(machine: StoredMachineInfo, limitBytes: number): HTMLLIElement {
    const isCurrent = machine.id === this.#options.session.machineId;
    const name = create('span', { class: 'machine-name', text: machine.name });
    const details = [
      formatBytes(machine.sizeBytes),
      ...(machine.config ? [`${machine.config.memoryMiB} MiB RAM`] : []),
      machine.running === 'no'
        ? `used ${formatAge(Date.now() - machine.lastUsedAtMs)} ago`
        : 'running',
      ...(machine.config?.foreign
        ? [`from a link or file, may take ${formatBytes(limitBytes)}`]
        : []),
    ];
    const row = create('li', {
      class: 'machine-row',
      children: [
        create('div', {
          children: [
            name,
            ...(isCurrent ? [create('span', { class: 'badge', text: 'This page' })] : []),
            create('p', { class: 'fine', text: details.join(' · ') }),
          ],
        }),
        create('div', { class: 'machine-buttons', children: this.#buttons(machine, isCurrent) }),
      ],
    });
    row.dataset.machine = machine.id;
    return row;
  }

  #buttons(machine: StoredMachineInfo, isCurrent: boolean): Node[] {
    const storage = this.#storage;
    const buttons: Node[] = [];
    // A newer version of this site can do more with it.
    if (machine.newer) return machine.takenAtMs === undefined ? [] : [this.#exportButton(machine)];
    if (!isCurrent) {
      const open = create('a', {
        class: 'button',
        text: machine.running === 'no' ? 'Resume' : 'Show',
      });
      open.href = addressOf(machine.id, document.baseURI);
      buttons.push(open);
    }
    const named = (label: string, run: () => void) => {
      const made = button(label, run);
      made.setAttribute('aria-label', `${label} ${machine.name}`);
      return made;
    };
    if (machine.running === 'elsewhere')
      buttons.push(named('Suspend', () => void this.#suspend(machine)));
    buttons.push(
      named('Rename…', () => this.#askName(machine)),
      named('Duplicate', () =>
        this.#run(() => storage.duplicate(machine.id, `${machine.name} (copy)`)),
      ),
    );
    if (machine.takenAtMs !== undefined) buttons.push(this.#exportButton(machine));
    if (!isCurrent && machine.running === 'no')
      buttons.push(named('Delete…', () => void this.#askRemove(machine)));
    return buttons;
  }

  #exportButton(machine: StoredMachineInfo): HTMLButtonElement {
    const made = button('Export…', () => this.#offerExport(machine));
    made.setAttribute('aria-label', `Export… ${machine.name}`);
    return made;
  }

  /** A second line of the row; away with it when asked again. */
  #offerExport(machine: StoredMachineInfo): void {
    const row = this.#rows.querySelector(`[data-machine="${machine.id}"]`);
    const there = row?.querySelector('.machine-export');
    if (there) {
      there.remove();
      return;
    }
    const choices = exportChoices(machine).map(({ label, title, request }) => {
      const choice = button(label, () => void this.#export(machine, request, choice));
      choice.title = title;
      return choice;
    });
    const what = create('span', { class: 'fine', text: 'Save as a file:' });
    row?.append(create('div', { class: 'machine-export', children: [what, ...choices] }));
    choices[0]?.focus();
  }

  async #export(
    { id, name }: StoredMachineInfo,
    request: FileRequest,
    choice: HTMLButtonElement,
  ): Promise<void> {
    choice.disabled = true;
    this.#message.textContent = `“${name}” is being read…`;
    try {
      const missing = await saveStored(this.#options.session, { id, name }, request);
      this.#message.textContent = [`“${name}” was saved as a file.`, ...missing].join(' ');
    } catch (thrown) {
      this.#showError(thrown);
    } finally {
      choice.disabled = false;
    }
  }

  /** In the row itself: a dialog over a dialog is one too many. */
  #askName(machine: StoredMachineInfo): void {
    const row = this.#rows.querySelector(`[data-machine="${machine.id}"]`);
    const shown = row?.querySelector('.machine-name');
    if (!shown) return;
    const input = create('input', { class: 'machine-name' });
    input.value = machine.name;
    input.maxLength = 80;
    input.setAttribute('aria-label', 'Name of the machine');
    let isFinished = false;
    const finish = (rename: boolean) => {
      // To take it away from under the keyboard is to blur it.
      if (isFinished) return;
      isFinished = true;
      const name = input.value.trim();
      input.replaceWith(shown);
      if (rename && name && name !== machine.name)
        void this.#run(() => this.#storage.rename(machine.id, name));
    };
    // Another window in front says nothing about the name.
    input.addEventListener('blur', () => document.hasFocus() && finish(true));
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== 'Escape') return;
      event.preventDefault();
      finish(event.key === 'Enter');
    });
    shown.replaceWith(input);
    input.select();
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

  async #suspend({ id, name }: StoredMachineInfo): Promise<void> {
    try {
      await suspendOther(this.#options.session, id);
      this.#message.textContent = `“${name}” is suspended: it takes no computing time until somebody uses it.`;
    } catch (thrown) {
      this.#showError(thrown);
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
    this.#message.textContent = `${title}. ${advice} (${error.message})`;
  }
}
