import { Component } from 'preact';
import type { StoredMachineInfo } from '../../protocol/stored.ts';
import { addressOf } from '../address/machine-address.ts';
import { formatAge, formatBytes } from '../ui/format.ts';
import { exportChoices, type FileRequest } from './export-choices.ts';

export interface MachineRowProps {
  machine: StoredMachineInfo;
  /** Whether the page shows this machine. */
  isCurrent: boolean;
  /** Limit of its storage, if the machine is foreign. */
  limitBytes: number;
  suspend(): void;
  rename(name: string): void;
  duplicate(): void;
  exportAs(request: FileRequest): Promise<void>;
  remove(): void;
}

interface MachineRowState {
  /** The name is edited in the row, not in a second dialog. */
  isRenaming: boolean;
  /** A second line offers files of the machine. */
  isExporting: boolean;
  /** The file in progress. */
  busy: string | undefined;
}

/** A machine in storage, with its buttons. */
export class MachineRow extends Component<MachineRowProps, MachineRowState> {
  override state: MachineRowState = { isRenaming: false, isExporting: false, busy: undefined };

  override render() {
    const { machine, isCurrent } = this.props;
    return (
      <li class="machine-row" data-machine={machine.id}>
        <div>
          {this.state.isRenaming ? (
            this.#nameInput()
          ) : (
            <span class="machine-name">{machine.name}</span>
          )}
          {isCurrent && <span class="badge">This page</span>}
          <p class="fine">{this.#details}</p>
        </div>
        <div class="machine-buttons">{this.#buttons()}</div>
        {this.state.isExporting && this.#exports()}
      </li>
    );
  }

  get #details(): string {
    const { machine, limitBytes } = this.props;
    const { sizeBytes, config, running, lastUsedAtMs } = machine;
    return [
      formatBytes(sizeBytes),
      ...(config ? [`${config.memoryMiB} MiB RAM`] : []),
      running === 'no' ? `used ${formatAge(Date.now() - lastUsedAtMs)} ago` : 'running',
      ...(config?.foreign ? [`from a link or file, may take ${formatBytes(limitBytes)}`] : []),
    ].join(' · ');
  }

  #buttons() {
    const { machine, isCurrent, suspend, duplicate, remove } = this.props;
    const { id, name, running, newer, takenAtMs } = machine;
    const button = (label: string, run: () => void) => (
      <button key={label} type="button" aria-label={`${label} ${name}`} onClick={run}>
        {label}
      </button>
    );
    const exports =
      takenAtMs !== undefined &&
      button('Export…', () => this.setState(({ isExporting }) => ({ isExporting: !isExporting })));
    // Only a newer version of this site can run or change it.
    if (newer) return exports;
    return (
      <>
        {!isCurrent && (
          <a class="button" href={addressOf(id, document.baseURI)}>
            {running === 'no' ? 'Resume' : 'Show'}
          </a>
        )}
        {running === 'elsewhere' && button('Suspend', suspend)}
        {button('Rename…', () => this.setState({ isRenaming: true }))}
        {button('Duplicate', duplicate)}
        {exports}
        {!isCurrent && running === 'no' && button('Delete…', remove)}
      </>
    );
  }

  #nameInput() {
    const { name } = this.props.machine;
    const finish = (chosen: string | undefined) => {
      // Its removal while focused blurs it.
      if (!this.state.isRenaming) return;
      this.setState({ isRenaming: false });
      if (chosen && chosen !== name) this.props.rename(chosen);
    };
    return (
      <input
        class="machine-name"
        aria-label="Name of the machine"
        maxLength={80}
        defaultValue={name}
        ref={selectAll}
        // A blur by another window does not end the edit.
        onBlur={({ currentTarget }) => document.hasFocus() && finish(currentTarget.value.trim())}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' && event.key !== 'Escape') return;
          event.preventDefault();
          finish(event.key === 'Enter' ? event.currentTarget.value.trim() : undefined);
        }}
      />
    );
  }

  #exports() {
    const { machine, exportAs } = this.props;
    const save = async (label: string, request: FileRequest) => {
      this.setState({ busy: label });
      await exportAs(request);
      this.setState({ busy: undefined });
    };
    return (
      <div class="machine-export">
        <span class="fine">Save as a file:</span>
        {exportChoices(machine).map(({ label, title, request }, at) => (
          <button
            key={label}
            type="button"
            title={title}
            disabled={this.state.busy === label}
            onClick={() => void save(label, request)}
            {...(at === 0 && { ref: focusFirst })}
          >
            {label}
          </button>
        ))}
      </div>
    );
  }
}

// The same functions at each drawing, so that Preact calls them only for new elements.
const selectAll = (input: HTMLInputElement | null) => input?.select();
const focusFirst = (button: HTMLButtonElement | null) => button?.focus();
