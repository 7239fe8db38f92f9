/** The dialog that describes a machine, checks it, and starts it. */

import { HoldfastError } from '../../errors.ts';
import { checkOptions } from '../../protocol/options/check-options.ts';
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import type { Boots } from '../../protocol/options/option.ts';
import { machineOfV86State, readV86State } from '../../state-file/v86-state.ts';
import { errorText } from '../notices/error-text.ts';
import { explained } from '../notices/site-update.ts';
import type { ProgressView } from '../start/boot-progress.ts';
import { create, element } from '../ui/element.ts';
import { setFile } from './image-row.ts';
import {
  draftOptions,
  draftProblems,
  type FieldProblem,
  type ImageField,
  imageFields,
  problemSentence,
} from './machine-draft.ts';
import { MachineFields } from './machine-fields.ts';

export interface NewMachine {
  options: MachineOptions;
  /** Boots the demo Linux, with the options' other parts. */
  isDemo: boolean;
  /** A state of v86 that the machine goes on from, in place of booting. */
  v86State?: Uint8Array;
  onProgress(view: ProgressView): void;
  signal: AbortSignal;
}

export class NewMachineDialog {
  readonly #start: (machine: NewMachine) => Promise<void>;
  readonly #dialog = element('new-machine-dialog', HTMLDialogElement);
  readonly #form = element('new-machine-form', HTMLFormElement);
  readonly #boots = element('new-machine-boots', HTMLSelectElement);
  readonly #v86State = element('new-machine-v86-state', HTMLInputElement);
  readonly #error = element('new-machine-error', HTMLElement);
  readonly #ok = element('new-machine-ok', HTMLButtonElement);
  readonly #fields = new MachineFields((field) => this.#imageChanged(field));
  /** What the visitor has picked there, decompressed; rejects where it is no state of v86. */
  #v86Bytes: Promise<Uint8Array> | undefined;
  /** Set while a machine is being started. */
  #starting: AbortController | null = null;
  #bootsChosen = false;

  /** @param start resolves when the machine runs; the dialog then closes, and else tells why not */
  constructor(start: (machine: NewMachine) => Promise<void>) {
    this.#start = start;
    this.#boots.addEventListener('change', () => {
      this.#bootsChosen = true;
      this.#show();
    });
    this.#v86State.addEventListener('change', () => void this.#v86StateChanged());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
    element('new-machine-cancel', HTMLButtonElement).addEventListener('click', () =>
      this.#dialog.close(),
    );
    this.#dialog.addEventListener('close', () => {
      this.#starting?.abort();
      // As large as the memory of its machine.
      this.#v86State.value = '';
      this.#v86Bytes = undefined;
    });
  }

  /** @param images to begin with, as dropped on the page */
  open({ v86State, ...images }: Partial<Record<ImageField | 'v86State', File>> = {}): void {
    if (!this.#dialog.open) {
      if (!this.#starting) this.#reset();
      this.#dialog.showModal();
    }
    for (const field of imageFields) {
      const file = images[field];
      if (!file) continue;
      this.#fields.image(field).setFile(file);
      this.#imageChanged(field);
    }
    if (v86State) {
      setFile(this.#v86State, v86State);
      void this.#v86StateChanged();
    }
  }

  /** The machine follows from the file; what was in its drives, its user knows. */
  async #v86StateChanged(): Promise<void> {
    const file = this.#v86State.files?.[0];
    const advanced = this.#v86State.closest('details');
    this.#v86Bytes = file && readV86State(file);
    if (!this.#v86Bytes) return;
    if (advanced) advanced.open = true;
    // What that is, is to be said: the demo Linux it hardly is.
    if (!this.#bootsChosen && this.#boots.value === 'demo') this.#boots.value = 'drives';
    this.#show();
    this.#v86State.scrollIntoView({ block: 'nearest' });
    try {
      const machine = machineOfV86State(await this.#v86Bytes);
      this.#error.textContent = '';
      const values = {
        memoryMiB: String(machine.memoryMiB),
        vgaMemoryMiB: String(machine.vgaMemoryMiB),
        network: machine.network === 'ne2k' ? '' : machine.network,
        serialPorts: String(machine.serialPorts),
        virtioConsole: machine.virtioConsole ? '' : 'off',
        filesystem9p: machine.filesystem9p ? '' : 'off',
        acpi: machine.acpi ? 'on' : '',
      } as const;
      for (const [option, value] of Object.entries(values))
        this.#fields.setText(option as keyof typeof values, value);
    } catch (thrown) {
      this.#tell(HoldfastError.from(thrown, 'wrong-v86-state', 'The file could not be read'));
    }
  }

  #reset(): void {
    this.#form.reset();
    this.#v86Bytes = undefined;
    this.#bootsChosen = false;
    this.#fields.reset();
    this.#showProblems([]);
    this.#error.textContent = '';
    this.#show();
  }

  /** Who chooses a disk wants it to be booted, unless they said otherwise. */
  #imageChanged(field: ImageField): void {
    const isChosen = this.#fields.image(field).choice.origin !== 'none';
    if (isChosen && !this.#bootsChosen && field !== 'bios' && field !== 'vgaBios') {
      const isKernel = field === 'bzImage' || field === 'initrd';
      this.#boots.value = isKernel ? 'kernel' : field === 'multiboot' ? 'multiboot' : 'drives';
    }
    this.#show();
  }

  /** Only what counts for what is chosen is there. */
  #show(): void {
    this.#fields.show(this.#boots.value as Boots);
  }

  async #submit(): Promise<void> {
    if (this.#starting) return;
    const draft = this.#fields.draft(this.#boots.value as Boots);
    const problems = draftProblems(draft);
    this.#showProblems(problems);
    this.#error.textContent = '';
    const options = draftOptions(draft);
    if (problems.length > 0 || !areAcceptable(options)) return;
    const starting = new AbortController();
    this.#starting = starting;
    this.#showProgress({ label: 'Preparing the machine…', fraction: null, bytes: '' });
    try {
      const v86State = await this.#v86Bytes;
      await this.#start({
        options,
        isDemo: draft.boots === 'demo',
        ...(v86State && { v86State }),
        onProgress: (view) => this.#showProgress(view),
        signal: starting.signal,
      });
      this.#dialog.close();
    } catch (thrown) {
      this.#tell(await explained(thrown, 'The machine could not be started'));
    } finally {
      this.#starting = null;
      this.#showProgress(null);
    }
  }

  #tell(error: HoldfastError): void {
    if (error.code === 'cancelled') return;
    const { title, advice } = errorText(error, 'start');
    const words =
      error.code === 'bad-config' ? error.message : `${title}. ${advice} (${error.message})`;
    this.#error.textContent = words;
    this.#error.scrollIntoView({ block: 'nearest' });
  }

  #showProgress(view: ProgressView | null): void {
    element('new-machine-work', HTMLElement).hidden = view === null;
    this.#ok.disabled = view !== null;
    if (!view) return;
    const bar = element('new-machine-bar', HTMLProgressElement);
    element('new-machine-step', HTMLElement).textContent = view.label;
    element('new-machine-bytes', HTMLElement).textContent = view.bytes;
    if (view.fraction === null) bar.removeAttribute('value');
    else bar.value = view.fraction;
  }

  #field(name: string): HTMLElement {
    const field = this.#form.querySelector<HTMLElement>(`[data-field="${name}"]`);
    return field ?? this.#field('boots');
  }

  /** Each at its field, in place of those of before. */
  #showProblems(problems: readonly FieldProblem[]): void {
    for (const told of this.#form.querySelectorAll('.field-error')) told.remove();
    for (const input of this.#form.querySelectorAll('[aria-invalid]')) {
      input.removeAttribute('aria-invalid');
      input.removeAttribute('aria-describedby');
    }
    const wrong = problems.map((problem) => {
      const field = this.#field(problem.field);
      const text = problemSentence(field.dataset.label ?? problem.field, problem);
      const told = create('p', { class: 'field-error', text });
      told.id = `new-machine-problem-${problem.field}`;
      field.append(told);
      const inputs = [...field.querySelectorAll<HTMLElement>('input:not([type=checkbox]), select')];
      const input = inputs.filter(({ hidden }) => !hidden).at(-1);
      input?.setAttribute('aria-invalid', 'true');
      input?.setAttribute('aria-describedby', told.id);
      const group = field.closest('details');
      if (group) group.open = true;
      return input;
    });
    const inputs = [...this.#form.querySelectorAll<HTMLElement>('input, select')];
    inputs.find((input) => wrong.includes(input))?.focus();
  }
}

const areAcceptable = (
  options: Record<string, unknown>,
): options is Record<string, unknown> & MachineOptions => checkOptions(options).length === 0;
