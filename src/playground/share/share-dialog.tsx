/** The dialog that makes a link, or a file, of the machine. */
import type { Machine } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { errorText } from '../notices/error-text.ts';
import { explained } from '../notices/site-update.ts';
import type { Session } from '../session/session.ts';
import { OpenDialog } from '../ui/dialog.tsx';
import { SendDialog } from './send-dialog.tsx';
import { type Shared, type ShareProgress, type ShareWay, shareMachine } from './share-machine.ts';
import { ShareQuestion, waysToShare } from './share-question.tsx';
import { ShareResult } from './share-result.tsx';
import { deleteShared, findStateServer, type StateServer } from './state-server.ts';

type Step =
  | { kind: 'ask' }
  | { kind: 'work'; progress: ShareProgress }
  | { kind: 'done'; shared: Shared };

export class ShareDialog {
  readonly #session: Session;
  readonly #config: MachineConfig;
  readonly #unseen: (error: HoldfastError) => void;
  readonly #dialog: OpenDialog;
  readonly #abort = new AbortController();
  #step: Step = { kind: 'ask' };
  #server: StateServer | undefined;
  #title: string;
  /** The way that the user chose. Undefined: the best one. */
  #chosen: ShareWay | 'send' | undefined;
  #isDeleting = false;
  #error = '';

  /** @param unseen called with an error that needs a decision, after the dialog was closed */
  constructor(session: Session, config: MachineConfig, unseen: (error: HoldfastError) => void) {
    this.#session = session;
    this.#unseen = unseen;
    this.#config = config;
    this.#title = config.name;
    this.#dialog = new OpenDialog({
      title: 'Share this machine',
      startsAtTitle: true,
      content: () => this.#content(),
      buttons: () => this.#buttons(),
      onSubmit: () => void this.#share(),
    });
    void this.#dialog.closed.then(() =>
      this.#abort.abort(new HoldfastError('cancelled', 'Sharing was cancelled.')),
    );
    void this.#findServer();
  }

  async #findServer(): Promise<void> {
    this.#server = await findStateServer();
    this.#dialog.draw();
  }

  get #way(): ShareWay | 'send' {
    const ways = waysToShare(this.#config, this.#server);
    return this.#chosen ?? ways.find(({ isPossible }) => isPossible)?.value ?? 'file';
  }

  #content() {
    const step = this.#step;
    return (
      <>
        {step.kind === 'ask' && (
          <ShareQuestion
            config={this.#config}
            server={this.#server}
            title={this.#title}
            way={this.#way}
            setTitle={(title) => {
              this.#title = title;
            }}
            setWay={(way) => {
              this.#chosen = way;
              this.#dialog.draw();
            }}
          />
        )}
        {step.kind === 'work' && <Progress {...step.progress} />}
        {step.kind === 'done' && <ShareResult key={step.shared.result} shared={step.shared} />}
        <p class="bad" role="alert">
          {this.#error}
        </p>
      </>
    );
  }

  #buttons() {
    const step = this.#step;
    return (
      <>
        {step.kind === 'done' && step.shared.uploaded && (
          <button
            type="button"
            disabled={this.#isDeleting}
            onClick={() => void this.#remove(step.shared)}
          >
            Delete from the server
          </button>
        )}
        <button type="button" onClick={() => this.#dialog.close()}>
          {step.kind === 'done' ? 'Close' : 'Cancel'}
        </button>
        {step.kind === 'ask' && (
          <button type="submit" class="primary">
            {this.#way === 'send' ? 'Make a link' : 'Share'}
          </button>
        )}
      </>
    );
  }

  async #share(): Promise<void> {
    const { machine } = this.#session;
    if (!machine || this.#step.kind !== 'ask') return;
    const way = this.#way;
    if (way === 'send') {
      this.#dialog.close();
      if (this.#server) new SendDialog(machine, this.#server, this.#unseen);
      return;
    }
    this.#error = '';
    try {
      this.#goTo({ kind: 'done', shared: await this.#work(machine, way) });
    } catch (thrown) {
      const error = await explained(thrown, 'The machine could not be shared');
      if (error.code !== 'cancelled') this.#error = sentence(error);
      this.#goTo({ kind: 'ask' });
    }
  }

  #work(machine: Machine, way: ShareWay): Promise<Shared> {
    return shareMachine(machine, {
      way,
      title: this.#title.trim(),
      server: this.#server,
      signal: this.#abort.signal,
      onProgress: (progress) => this.#goTo({ kind: 'work', progress }),
    });
  }

  async #remove({ uploaded }: Shared): Promise<void> {
    if (!uploaded) return;
    this.#isDeleting = true;
    this.#dialog.draw();
    try {
      await deleteShared(uploaded);
      const result = 'The state was deleted from the server. The link opens nothing any more.';
      this.#goTo({ kind: 'done', shared: { result } });
    } catch (thrown) {
      this.#error = sentence(HoldfastError.from(thrown, 'share-failed', 'It could not be deleted'));
    } finally {
      this.#isDeleting = false;
      this.#dialog.draw();
    }
  }

  #goTo(step: Step): void {
    if (this.#abort.signal.aborted) return;
    this.#step = step;
    this.#dialog.draw();
  }
}

function Progress({ step, fraction, bytes }: ShareProgress) {
  return (
    <div class="share-work">
      <p>{step}</p>
      <progress aria-label={step} {...(fraction !== undefined && { value: fraction })} />
      <p class="fine" role="status">
        {bytes}
      </p>
    </div>
  );
}

const sentence = (error: HoldfastError) => `${errorText(error, 'share').title}. ${error.message}`;
