/** The monitor in the page: a log, and a line to type in. */
import { keeperUrl, runtimes } from 'virtual:holdfast-build';
import { HoldfastError } from '../../errors.ts';
import { connect, createMonitor, type Monitor } from '../../index.ts';
import type { Session } from '../session/session.ts';
import { button, create, element } from '../ui/element.ts';
import { runtimeSource } from '../ui/runtime-source.ts';
import { readSetting, writeSetting } from '../ui/settings.ts';
import { PageFiles } from './page-files.ts';

type Tone = 'input' | 'error' | 'hint' | 'output';

/** `worker:NAME`: the keeper of that name, which `?machine=NAME` shows afterwards. Or {@link otherTab}. */
async function target(uri: string) {
  const [, machineId] = /^worker:(.+)$/.exec(uri) ?? [];
  if (machineId === undefined) return otherTab(uri);
  return connect({ keeperUrl, machineId, runtimes: runtimes.map(runtimeSource) });
}

/** `tab:NAME`: a tab of this site that shares no worker with this one, and uses the same name. */
async function otherTab(uri: string) {
  const [, name] = /^tab:(.+)$/.exec(uri) ?? [];
  return name === undefined ? undefined : new BroadcastChannel(`holdfast-tab-${name}`);
}

const prompt = '(holdfast)';
const mostLogEntries = 500;

export class MonitorView {
  readonly #session: Session;
  readonly #log = element('monitor-log', HTMLElement);
  readonly #input = element('monitor-input', HTMLInputElement);
  readonly #prompt = element('monitor-prompt', HTMLElement);
  readonly #files = new PageFiles();
  #monitor: Monitor | null = null;
  #history: readonly string[] = readHistory();
  /** The text that Ctrl+R searches for, and the index of the line that was found. */
  #search: { text: string; at: number } | null = null;

  constructor(session: Session) {
    this.#session = session;
    session.onMachine((machine) => {
      this.#monitor = createMonitor(machine, {
        files: this.#files,
        runtimes: runtimes.map(runtimeSource),
        targets: target,
        origins: otherTab,
        history: this.#history,
      });
    });
    element('monitor-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#enter();
    });
    this.#input.addEventListener('keydown', (event) => this.#keyDown(event));
    this.#input.addEventListener('input', () => this.#endSearch());
    element('monitor-clear', HTMLButtonElement).addEventListener('click', () => this.#clear());
    // A click that selects nothing focuses the line, as in a terminal.
    element('monitor', HTMLElement).addEventListener('click', () => {
      if (document.getSelection()?.isCollapsed) this.#input.focus();
    });
    this.#setUpKeyRow();
    this.#print('hint', 'Commands to the machine, with the words of QEMU. Try: help, info status');
  }

  focus(): void {
    this.#input.focus();
  }

  async #enter(): Promise<void> {
    if (this.#input.readOnly) return;
    const line = this.#input.value;
    this.#endSearch();
    this.#print('input', `${prompt} ${line}`);
    if (line.trim() === '') return;
    this.#setBusy(true);
    try {
      await this.#run(line);
    } finally {
      this.#setBusy(false);
    }
  }

  async #run(line: string): Promise<void> {
    const monitor = this.#monitor;
    try {
      if (!monitor || !this.#session.machine)
        throw new HoldfastError('keeper-gone', 'This page is not connected to a keeper.');
      const { lines, files } = await monitor.execute(line);
      if (lines.length > 0) this.#print('output', lines.join('\n'));
      for (const { name, bytes } of files)
        if (bytes) this.#print('hint', `Saved '${name}' (${bytes.length} bytes).`);
      this.#input.value = '';
    } catch (thrown) {
      const { code, message } = HoldfastError.from(thrown, 'internal', 'The command failed');
      this.#print('error', code === 'bad-command' ? message : `Error: ${message}`);
      this.#input.value = '';
    }
    if (!monitor) return;
    this.#history = monitor.history.lines;
    writeSetting('monitor-history', JSON.stringify(this.#history));
  }

  #setBusy(busy: boolean): void {
    this.#input.readOnly = busy;
    this.#input.setAttribute('aria-busy', String(busy));
  }

  #keyDown(event: KeyboardEvent): void {
    const { key, ctrlKey, altKey, shiftKey, metaKey } = event;
    if (altKey || metaKey) return;
    const isEmpty = this.#input.value.trim() === '';
    const actions: Record<string, (() => void) | undefined> = ctrlKey
      ? {
          r: () => this.#searchOlder(),
          l: () => this.#clear(),
          c: this.#hasSelection ? undefined : () => this.#abandon(),
          p: () => this.#showOlder(),
          n: () => this.#showNewer(),
        }
      : {
          ArrowUp: () => this.#showOlder(),
          ArrowDown: () => this.#showNewer(),
          // On an empty line Tab moves the focus, as everywhere else.
          Tab: shiftKey || isEmpty ? undefined : () => void this.#complete(),
          Escape: this.#search ? () => this.#abandon() : undefined,
        };
    const act = actions[key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  get #hasSelection(): boolean {
    return this.#input.selectionStart !== this.#input.selectionEnd;
  }

  async #complete(): Promise<void> {
    const monitor = this.#monitor;
    if (!monitor || this.#input.readOnly) return;
    this.#endSearch();
    const { value } = this.#input;
    const at = this.#input.selectionStart ?? value.length;
    const { line, cursor, candidates } = await monitor.complete(value, at);
    // The user has typed meanwhile.
    if (this.#input.value !== value) return;
    if (line !== value) this.#setLine(line, cursor);
    else if (candidates.length > 1) this.#print('hint', candidates.join('  '));
  }

  #showOlder(): void {
    this.#endSearch();
    const line = this.#monitor?.history.older(this.#input.value);
    if (line !== undefined) this.#setLine(line);
  }

  #showNewer(): void {
    this.#endSearch();
    const line = this.#monitor?.history.newer();
    if (line !== undefined) this.#setLine(line);
  }

  /** Finds the newest line with this text, then the one before. */
  #searchOlder(): void {
    const text = this.#search?.text ?? this.#input.value;
    const found = this.#monitor?.history.search(text, this.#search?.at);
    if (found) {
      this.#search = { text, at: found.at };
      this.#setLine(found.line);
    }
    this.#prompt.textContent = found ? `(search: ${text})` : `(no other: ${text})`;
  }

  #endSearch(): void {
    this.#search = null;
    this.#prompt.textContent = prompt;
  }

  #abandon(): void {
    this.#endSearch();
    this.#setLine('');
  }

  #setLine(line: string, cursor = line.length): void {
    this.#input.value = line;
    this.#input.setSelectionRange(cursor, cursor);
  }

  #clear(): void {
    this.#log.replaceChildren();
    this.#input.focus();
  }

  #print(tone: Tone, text: string): void {
    const entry = create('div', { text });
    entry.dataset.tone = tone;
    this.#log.append(entry);
    while (this.#log.childElementCount > mostLogEntries) this.#log.firstElementChild?.remove();
    const pane = element('monitor', HTMLElement);
    pane.scrollTop = pane.scrollHeight;
  }

  /** Adds keys that the keyboard of a phone lacks. */
  #setUpKeyRow(): void {
    const row = element('monitor-keys', HTMLElement);
    const key = (label: string, name: string, act: () => void) => {
      const made = button(label, act);
      made.setAttribute('aria-label', name);
      return made;
    };
    row.append(
      key('Tab', 'Complete', () => void this.#complete()),
      key('↑', 'Older line', () => this.#showOlder()),
      key('↓', 'Newer line', () => this.#showNewer()),
      ...['help', 'info status', 'stop', 'cont'].map((line) =>
        key(line, `Type ${line}`, () => this.#setLine(line)),
      ),
    );
    // The line keeps the focus, and the phone's keyboard stays open.
    row.addEventListener('pointerdown', (event) => event.preventDefault());
  }
}

function readHistory(): string[] {
  try {
    const lines: unknown = JSON.parse(readSetting('monitor-history') ?? '[]');
    return Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [];
  } catch {
    // Another script of this origin wrote the setting.
    return [];
  }
}
