/** The dialog that describes a machine, checks it, and starts it. */
import { HoldfastError } from '../../errors.ts';
import { checkOptions } from '../../protocol/options/check-options.ts';
import type { MachineOptions } from '../../protocol/options/machine-options.ts';
import { machineOfV86State, readV86State } from '../../state-file/v86-state.ts';
import { fieldTexts } from '../../state-file/v86-state-options.ts';
import { errorText } from '../notices/error-text.ts';
import { explained } from '../notices/site-update.ts';
import type { ProgressView } from '../start/boot-progress.ts';
import { OpenDialog } from '../ui/dialog.tsx';
import { ProgressLine } from '../ui/progress-bar.tsx';
import {
  draftOptions,
  draftProblems,
  type FieldProblem,
  type ImageField,
  imageFields,
} from './machine-draft.ts';
import { isAdvanced, MachineFields } from './machine-fields.tsx';
import { MachineForm } from './machine-form.ts';

export interface NewMachine {
  options: MachineOptions;
  /** Boots the demo Linux, with the options' other parts. */
  isDemo: boolean;
  /** A state of v86 that the machine resumes, instead of booting. */
  v86State?: Uint8Array;
  onProgress(view: ProgressView): void;
  signal: AbortSignal;
}

/** Resolves when the machine runs. */
type Start = (machine: NewMachine) => Promise<void>;

/** Files to begin with, such as files dropped on the page. */
type GivenFiles = Partial<Record<ImageField | 'v86State', File>>;

export class NewMachineDialog {
  readonly #start: Start;
  #described: DescribedMachine | undefined;

  constructor(start: Start) {
    this.#start = start;
  }

  get isOpen(): boolean {
    return this.#described?.isOpen ?? false;
  }

  /** Opens the dialog, or gives the files to the open one. */
  open(files: GivenFiles = {}): void {
    if (!this.isOpen) this.#described = new DescribedMachine(this.#start);
    this.#described?.take(files);
  }
}

/**
 * A machine from its description to its start. The dialog closes once the machine runs, and else shows
 * why not.
 */
class DescribedMachine {
  readonly #start: Start;
  readonly #form = new MachineForm();
  readonly #dialog: OpenDialog;
  /** Aborts when the dialog closes. */
  readonly #closing = new AbortController();
  #v86State: File | undefined;
  /** Decompressed contents of the state. Rejects if the file is no state of v86. */
  #v86Bytes: Promise<Uint8Array> | undefined;
  #problems: readonly FieldProblem[] = [];
  /** Set while the machine is being started. */
  #progress: ProgressView | null = null;
  #error = '';

  constructor(start: Start) {
    this.#start = start;
    this.#dialog = new OpenDialog({
      title: 'New machine',
      text: 'The new machine opens on this page. The present machine keeps running: find it under Machines.',
      isWide: true,
      takesFiles: true,
      content: () => this.#content(),
      buttons: () => this.#buttons(),
      onSubmit: () => void this.#submit(),
    });
    void this.#dialog.closed.then(() => {
      this.#closing.abort();
      // The bytes are as large as the memory of the machine.
      this.#v86Bytes = undefined;
    });
  }

  get isOpen(): boolean {
    return this.#dialog.isOpen;
  }

  take({ v86State, ...images }: GivenFiles): void {
    for (const field of imageFields) {
      const file = images[field];
      if (file) this.#form.setImage(field, { origin: 'file', file });
    }
    this.#dialog.draw();
    if (v86State) void this.#setV86State(v86State);
  }

  #content() {
    return (
      <>
        <MachineFields
          form={this.#form}
          problems={this.#problems}
          v86State={this.#v86State}
          setV86State={(file) => void this.#setV86State(file)}
          changed={() => this.#dialog.draw()}
        />
        {this.#progress && (
          <div class="boot">
            <ProgressLine {...this.#progress} />
          </div>
        )}
        <p class="bad" role="alert">
          {this.#error}
        </p>
      </>
    );
  }

  #buttons() {
    return (
      <>
        <button type="button" onClick={() => this.#dialog.close()}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={this.#progress !== null}>
          Start
        </button>
      </>
    );
  }

  /**
   * The state describes the devices of its machine. Only the visitor knows the contents of its drives.
   */
  async #setV86State(file: File | undefined): Promise<void> {
    this.#v86State = file;
    const bytes = file && readV86State(file);
    this.#v86Bytes = bytes;
    if (!bytes) return;
    this.#unfold();
    // A state is rarely of the demo Linux.
    if (this.#form.boots === 'demo') this.#form.proposeBoots('drives');
    this.#dialog.draw();
    this.#dialog.find('input[type="file"][id$="v86State"]')?.scrollIntoView({ block: 'nearest' });
    try {
      const machine = machineOfV86State(await bytes);
      this.#error = '';
      for (const [option, text] of fieldTexts(machine)) this.#form.setOption(option, text);
      this.#dialog.draw();
    } catch (thrown) {
      this.#showError(HoldfastError.from(thrown, 'wrong-v86-state', 'The file could not be read'));
    }
  }

  async #submit(): Promise<void> {
    if (this.#progress) return;
    const { draft } = this.#form;
    const options = draftOptions(draft);
    this.#error = '';
    this.#showProblems(draftProblems(draft));
    if (this.#problems.length > 0 || !areAcceptable(options)) return;
    this.#showProgress({ label: 'Preparing the machine…', fraction: null, bytes: '' });
    try {
      const v86State = await this.#v86Bytes;
      await this.#start({
        options,
        isDemo: draft.boots === 'demo',
        ...(v86State && { v86State }),
        onProgress: (view) => this.#showProgress(view),
        signal: this.#closing.signal,
      });
      this.#dialog.close();
    } catch (thrown) {
      this.#showProgress(null);
      this.#showError(await explained(thrown, 'The machine could not be started'));
    }
  }

  #showError(error: HoldfastError): void {
    if (error.code === 'cancelled') return;
    const { title, advice } = errorText(error, 'start');
    this.#error =
      error.code === 'bad-config' ? error.message : `${title}. ${advice} (${error.message})`;
    this.#dialog.draw();
    this.#dialog.find('[role="alert"]')?.scrollIntoView({ block: 'nearest' });
  }

  #showProgress(view: ProgressView | null): void {
    this.#progress = view;
    this.#dialog.draw();
  }

  /** Shows the advanced fields. Drawing again does not fold them. */
  #unfold(): void {
    this.#dialog.find('details')?.toggleAttribute('open', true);
  }

  /** Shows each problem at its field, and removes the previous ones. */
  #showProblems(problems: readonly FieldProblem[]): void {
    this.#problems = problems;
    if (problems.some(isAdvanced)) this.#unfold();
    this.#dialog.draw();
    this.#dialog.find('[aria-invalid]')?.focus();
  }
}

const areAcceptable = (
  options: Record<string, unknown>,
): options is Record<string, unknown> & MachineOptions => checkOptions(options).length === 0;
