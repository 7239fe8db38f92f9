import type { MachineStatus, Runstate } from '../../protocol/events.ts';
import { durabilityDetail, durabilityText, startSourceText } from '../notices/durability-text.ts';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { formatAge, formatBytes, formatPause, formatSpeed } from '../ui/format.ts';

type Tone = 'good' | 'warn' | 'bad' | 'quiet';

const runstateWords: Record<Runstate, { text: string; tone: Tone; title: string }> = {
  prelaunch: { text: 'Starting', tone: 'warn', title: '…' },
  running: { text: 'Running', tone: 'good', title: '●' },
  paused: { text: 'Paused', tone: 'warn', title: '❚❚' },
  suspended: { text: 'Suspended', tone: 'warn', title: '❚❚' },
  'save-vm': { text: 'Saving', tone: 'warn', title: '…' },
  inmigrate: { text: 'Waiting', tone: 'warn', title: '❚❚' },
  postmigrate: { text: 'Moved', tone: 'quiet', title: '❚❚' },
  'postcopy-paused': { text: 'Waiting', tone: 'warn', title: '❚❚' },
  'internal-error': { text: 'Crashed', tone: 'bad', title: '✕' },
  shutdown: { text: 'Off', tone: 'quiet', title: '○' },
};
/** Words for the state in which the page found a guest that did not run. */
const foundWords: Partial<Record<Runstate, string>> = {
  paused: 'attached to a paused guest',
  suspended: 'attached to a suspended guest',
  inmigrate: 'attached to a guest that waits for its state',
};
/** Run states that last. The others pass in milliseconds, too fast to be read out. */
const settled: readonly Runstate[] = [
  'running',
  'paused',
  'suspended',
  'inmigrate',
  'postmigrate',
  'postcopy-paused',
  'internal-error',
  'shutdown',
];

/** The numbers at the top, the document's title, and their announcement to a screen reader. */
export class StateLine {
  readonly #session: Session;
  readonly #badge = element('state-runstate', HTMLElement);
  readonly #announcer = element('announcer', HTMLElement);
  #announced: Runstate | null = null;

  constructor(session: Session) {
    this.#session = session;
    session.onChange(() => this.#show());
    setInterval(() => this.#showAge(), 1000);
    this.#show();
  }

  #show(): void {
    const { status, guestSource } = this.#session;
    this.#showRunstate();
    this.#showAge();
    set('state-mips', status && status.runstate === 'running' ? formatSpeed(status.mips) : '–');
    set('state-ram', status ? memoryText(status) : '–');
    set('state-emulator', status ? `v86 ${status.v86Version}` : '–');
    element('state-emulator', HTMLElement).title = status ? `Runtime ${status.runtimeId}` : '';
    set('state-restarts', status ? String(status.restarts) : '–');
    const pause = status?.lastPauseMs;
    set('state-pause', pause === undefined ? '–' : formatPause(pause));
    set('state-pages', status ? String(status.pages) : '–');
    set('state-found', guestSource ? this.#foundText() : '–');
    element('state-saved', HTMLElement).title = durabilityDetail(status?.durability);
  }

  #foundText(): string {
    const { guestSource, status } = this.#session;
    const startSource = startSourceText(status?.startSource);
    if (guestSource === 'watching') return 'watches a guest in another tab';
    if (guestSource === 'booted' && status?.startSource?.kind !== 'opened') return 'booted here';
    if (['booted', 'resumed', 'opened'].includes(guestSource ?? '') && startSource)
      return startSource;
    const keeper = this.#session.machine?.keeper;
    const then = keeper?.machine?.runstate ?? 'running';
    return foundWords[then] ?? 'attached to a running guest';
  }

  #showRunstate(): void {
    const { machine, status, busy } = this.#session;
    if (status) {
      const { text, tone, title } = runstateWords[status.runstate];
      this.#badge.textContent = text;
      this.#badge.dataset.tone = tone;
      this.#badge.dataset.runstate = status.runstate;
      document.title = `${title} Holdfast`;
      this.#announce(status.runstate, text);
      return;
    }
    const text = busy === 'start' ? 'Starting' : machine ? 'No guest' : 'Not connected';
    this.#badge.textContent = busy === 'connect' ? 'Connecting' : text;
    this.#badge.dataset.tone = 'quiet';
    delete this.#badge.dataset.runstate;
    document.title = busy ? '… Holdfast' : '○ Holdfast';
  }

  #announce(runstate: Runstate, text: string): void {
    if (runstate === this.#announced || !settled.includes(runstate)) return;
    this.#announced = runstate;
    this.#announcer.textContent = `Guest: ${text}.`;
  }

  #showAge(): void {
    const { status } = this.#session;
    const nowMs = Date.now();
    set('state-age', status ? formatAge(nowMs - status.bootedAtMs) : '–');
    set('state-saved', status ? durabilityText(status.durability, nowMs) : '–');
  }
}

/** Says how much of a guest's memory is here while the rest arrives. */
function memoryText({ config, memory }: MachineStatus): string {
  const text = `${config.memoryMiB} MiB`;
  if (!memory) return text;
  const { loadedBytes, totalBytes } = memory;
  return `${text}, still arriving: ${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`;
}

function set(id: string, text: string): void {
  const shown = element(id, HTMLElement);
  // Text that did not change keeps its selection.
  if (shown.textContent !== text) shown.textContent = text;
}
