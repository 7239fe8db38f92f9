/** The dialog that makes a link, or a file, of the machine. */

import { collectBlob } from '../../client/collect-blob.ts';
import type { Machine } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import { driveNames, type MachineConfig } from '../../protocol/config.ts';
import { errorText } from '../notices/error-text.ts';
import { explained } from '../notices/site-update.ts';
import type { Session } from '../session.ts';
import { create, element } from '../ui/element.ts';
import { download } from '../ui/files.ts';
import { formatBytes } from '../ui/format.ts';
import { linkStateBytes, linkToState, linkWithState } from './link.ts';
import {
  deleteShared,
  findStateServer,
  type SharedState,
  type StateServer,
  uploadState,
} from './state-server.ts';

type How = 'upload' | 'link' | 'file' | 'v86';
type Step = 'ask' | 'work' | 'done';

const dayS = 24 * 3600;
const thumbnailBytes = 256 * 1024;

export class ShareDialog {
  readonly #session: Session;
  readonly #dialog = element('share-dialog', HTMLDialogElement);
  readonly #button = element('share', HTMLButtonElement);
  readonly #name = element('share-name', HTMLInputElement);
  readonly #bar = element('share-bar', HTMLProgressElement);
  readonly #bytes = element('share-bytes', HTMLElement);
  readonly #error = element('share-error', HTMLElement);
  readonly #link = element('share-link', HTMLInputElement);
  readonly #cancel = element('share-cancel', HTMLButtonElement);
  readonly #delete = element('share-delete', HTMLButtonElement);
  /** What is under way. */
  #abort: AbortController | undefined;
  #server: StateServer | undefined;
  #shared: SharedState | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#button.addEventListener('click', () => void this.open());
    this.#cancel.addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#abort?.abort(cancelled()));
    element('share-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#share();
    });
    element('share-copy', HTMLButtonElement).addEventListener('click', () => void this.#copy());
    this.#delete.addEventListener('click', () => void this.#remove());
    session.onChange(() => this.#show());
    this.#show();
  }

  async open(): Promise<void> {
    const { status } = this.#session;
    if (!status) return;
    this.#name.value = status.config.name;
    this.#shared = undefined;
    this.#error.textContent = '';
    this.#describe(status.config);
    this.#offer(status.config, undefined);
    this.#goTo('ask');
    this.#dialog.showModal();
    element('share-title', HTMLElement).focus();
    this.#server = await findStateServer();
    this.#offer(status.config, this.#server);
  }

  /** What is possible here, and the best of it chosen. */
  #offer(config: MachineConfig, server: StateServer | undefined): void {
    const { openedFrom } = config;
    const disk = (['hda', 'hdb'] as const).find((name) => config[name]);
    const options: Record<How, boolean> = {
      upload: server !== undefined,
      link: openedFrom !== undefined,
      file: true,
      v86: disk === undefined,
    };
    for (const [how, isPossible] of Object.entries(options)) {
      this.#choice(how as How).disabled = !isPossible;
    }
    const first = (Object.keys(options) as How[]).find((how) => options[how]) ?? 'file';
    this.#choice(first).checked = true;
    const expires = server?.expireAfterS
      ? `, where it is deleted after ${Math.round(server.expireAfterS / dayS)} days`
      : '';
    element('share-upload-detail', HTMLElement).textContent = server
      ? `The state goes to ${new URL(server.url).host}${expires}. Whoever has the link can open it.`
      : 'This site has no state server.';
    element('share-link-detail', HTMLElement).textContent = openedFrom
      ? `For small changes, up to ${formatBytes(linkStateBytes)}. Nothing is uploaded; the link is long.`
      : 'Only of a machine that was itself opened from a state of this site.';
    element('share-v86-detail', HTMLElement).textContent = disk
      ? 'Only of a machine without hard disks: v86 would not find there what was written to them.'
      : `A file for restore_state of v86, in a machine with ${v86Machine(config)}.`;
  }

  #describe(config: MachineConfig): void {
    const disks = driveNames.filter((name) => config[name]);
    const contents = [
      `its memory, ${config.memoryMiB} MiB: also passwords and keys that programs hold there`,
      'what its screen and consoles show and have shown',
      'its random numbers: copies of a guest without an agent go on with the same ones, until they are booted again',
      ...(disks.length > 0 ? [`what was written to its disks: ${disks.join(', ')}`] : []),
      ...(config.filesystem9p ? ['the files in /mnt'] : []),
    ];
    element('share-contents', HTMLUListElement).replaceChildren(
      ...contents.map((text) => create('li', { text })),
    );
  }

  async #share(): Promise<void> {
    const { machine } = this.#session;
    if (!machine || this.#abort) return;
    const how = this.#how;
    const abort = new AbortController();
    this.#abort = abort;
    this.#error.textContent = '';
    this.#goTo('work');
    try {
      if (how === 'v86') return await this.#saveV86State(machine);
      const exported = await this.#export(machine, how, abort.signal);
      if (how === 'upload') await this.#upload(exported, abort.signal);
      else if (how === 'link') await this.#putIntoLink(exported);
      else this.#save(exported);
    } catch (thrown) {
      const error = await explained(thrown, 'The machine could not be shared');
      this.#goTo('ask');
      if (error.code !== 'cancelled') this.#showError(error);
    } finally {
      this.#abort = undefined;
    }
  }

  async #export(machine: Machine, how: How, signal: AbortSignal): Promise<Exported> {
    this.#working('Writing the state');
    // A link has no room for a picture.
    const thumbnail = how === 'link' ? undefined : await pictureOf(machine);
    let readBytes = 0;
    const stream = machine.exportState({
      title: this.#name.value.trim() || 'A machine',
      ...(thumbnail && { thumbnail }),
      ...(how === 'link' && { base: 'opened-from' as const }),
      signal,
      onProgress: (progress) => {
        readBytes = progress.readBytes;
        this.#bytes.textContent = `${formatBytes(progress.readBytes)} of the machine read, ${formatBytes(progress.writtenBytes)} written`;
      },
    });
    return { state: await collectBlob(stream), readBytes };
  }

  async #upload({ state, readBytes }: Exported, signal: AbortSignal): Promise<void> {
    if (!this.#server) throw new HoldfastError('share-failed', 'This site has no state server.');
    this.#working('Uploading');
    const shared = await uploadState(this.#server, state, {
      signal,
      onProgress: (sentBytes) => {
        this.#bar.value = sentBytes / state.size;
        this.#bytes.textContent = `${formatBytes(sentBytes)} of ${formatBytes(state.size)}`;
      },
    });
    this.#shared = shared;
    const until = shared.expiresAtMs
      ? `It is deleted on ${new Date(shared.expiresAtMs).toLocaleDateString()}, or when you delete it here. `
      : '';
    this.#finish(sizes(readBytes, state.size), {
      link: linkToState(shared.url, document.baseURI),
      fate: `${until}Once this dialog is closed, only time deletes it.`,
    });
  }

  async #putIntoLink({ state, readBytes }: Exported): Promise<void> {
    if (state.size > linkStateBytes) {
      throw new HoldfastError(
        'share-failed',
        `What has changed takes ${formatBytes(state.size)}; a link holds ${formatBytes(linkStateBytes)}. Share it as a file or an uploaded link.`,
      );
    }
    const link = linkWithState(new Uint8Array(await state.arrayBuffer()), document.baseURI);
    this.#finish(sizes(readBytes, state.size), {
      link,
      fate: `The link has ${link.length} characters, and works for as long as this site keeps the state that it builds on.`,
    });
  }

  async #saveV86State(machine: Machine): Promise<void> {
    this.#working('Writing the state');
    const state = new Blob([(await machine.exportV86State()) as Uint8Array<ArrayBuffer>]);
    download(`${this.#fileName}.v86state`, state);
    this.#finish(`${formatBytes(state.size)}, not compressed. The file was saved.`);
  }

  get #fileName(): string {
    return this.#name.value.trim().replaceAll(/[^\p{L}\p{N}._-]+/gu, '-') || 'machine';
  }

  #save({ state, readBytes }: Exported): void {
    download(`${this.#fileName}.holdfast`, state);
    this.#finish(`${sizes(readBytes, state.size)} The file was saved.`);
  }

  async #remove(): Promise<void> {
    const shared = this.#shared;
    if (!shared) return;
    this.#delete.disabled = true;
    try {
      await deleteShared(shared);
      this.#shared = undefined;
      this.#finish('The state was deleted from the server. The link opens nothing any more.');
    } catch (thrown) {
      this.#showError(HoldfastError.from(thrown, 'share-failed', 'It could not be deleted'));
    } finally {
      this.#delete.disabled = false;
    }
  }

  async #copy(): Promise<void> {
    const copy = element('share-copy', HTMLButtonElement);
    try {
      await navigator.clipboard.writeText(this.#link.value);
      copy.textContent = 'Copied';
    } catch {
      // Not allowed here: the link is selected, and the keyboard copies it.
      this.#link.select();
    }
  }

  #working(step: string): void {
    element('share-step', HTMLElement).textContent = step;
    this.#bytes.textContent = '';
    this.#bar.removeAttribute('value');
  }

  #finish(result: string, { link = '', fate = '' } = {}): void {
    element('share-result', HTMLElement).textContent = result;
    element('share-fate', HTMLElement).textContent = fate;
    element('share-link-row', HTMLElement).hidden = link === '';
    element('share-copy', HTMLButtonElement).textContent = 'Copy';
    this.#link.value = link;
    this.#goTo('done');
  }

  #goTo(step: Step): void {
    for (const name of ['ask', 'work', 'done'] as const) {
      element(`share-${name}`, HTMLElement).hidden = name !== step;
    }
    element('share-ok', HTMLButtonElement).hidden = step !== 'ask';
    this.#delete.hidden = step !== 'done' || this.#shared === undefined;
    this.#cancel.textContent = step === 'done' ? 'Close' : 'Cancel';
    if (step === 'done') this.#link.select();
  }

  #showError(error: HoldfastError): void {
    const { title } = errorText(error, 'share');
    this.#error.textContent = `${title}. ${error.message}`;
  }

  get #how(): How {
    const all: How[] = ['upload', 'link', 'file', 'v86'];
    return all.find((how) => this.#choice(how).checked) ?? 'file';
  }

  #choice(how: How): HTMLInputElement {
    const found = this.#dialog.querySelector(`input[name="share-how"][value="${how}"]`);
    if (found instanceof HTMLInputElement) return found;
    throw new Error(`index.html has no way to share "${how}"`);
  }

  #show(): void {
    const { status, busy, isWatching } = this.#session;
    const isLive = ['running', 'paused', 'suspended'].includes(status?.runstate ?? '');
    this.#button.disabled = !isLive || busy !== null || isWatching;
    this.#button.title = 'Send this machine, as it is now, as a link or a file';
  }
}

interface Exported {
  state: Blob;
  /** Of the machine, uncompressed. */
  readBytes: number;
}

const sizes = (before: number, after: number) =>
  `${formatBytes(before)} in use by the machine, ${formatBytes(after)} as a state.`;

/** What v86 must be told to make a machine that takes a state of this one. */
function v86Machine(config: MachineConfig): string {
  const { memoryMiB, vgaMemoryMiB, acpi, network, filesystem9p, virtioConsole } = config;
  const parts = [
    `${memoryMiB} MiB of RAM`,
    `${vgaMemoryMiB} MiB of VGA memory`,
    network === 'none' ? 'no network card' : `network card ${network}`,
    ...(filesystem9p ? ['a 9p filesystem'] : []),
    ...(virtioConsole ? ['a virtio console'] : []),
    ...(acpi ? ['ACPI'] : []),
    ...driveNames.filter((name) => config[name]).map((name) => `the image in ${name}`),
  ];
  return parts.join(', ');
}

const cancelled = () => new HoldfastError('cancelled', 'Sharing was cancelled.');

/** Of the screen; none where it is too large to travel along. */
async function pictureOf(machine: Machine): Promise<Blob | undefined> {
  const png = await machine.screenshot().catch(() => undefined);
  return png && png.length <= thumbnailBytes ? new Blob([png], { type: 'image/png' }) : undefined;
}
