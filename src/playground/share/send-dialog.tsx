/** The dialog that hands the running machine to another device. */
import type { SendAnswer, SendProgress, SendReport } from '../../client/send/send-machine.ts';
import type { Machine } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import { errorText } from '../notices/error-text.ts';
import { explained } from '../notices/site-update.ts';
import { OpenDialog } from '../ui/dialog.tsx';
import { formatBytes } from '../ui/format.ts';
import { part } from '../ui/preloaded-parts.ts';
import { type Choice, Choices } from './choices.tsx';
import { CopiedLink } from './copied-link.tsx';
import { QrCode } from './qr-code.tsx';
import type { StateServer } from './state-server.ts';

type Step =
  | { kind: 'begin' }
  | { kind: 'wait'; link: string }
  | { kind: 'ask'; answer(answer: SendAnswer | false): void }
  | { kind: 'work'; progress: SendProgress }
  | { kind: 'done'; report: SendReport }
  | { kind: 'failed'; sentence: string };

const answers: readonly Choice<SendAnswer>[] = [
  {
    value: 'continue',
    label: 'It continues there',
    detail: 'The machine ends here once it runs there.',
  },
  {
    value: 'clone',
    label: 'A clone',
    detail: 'The machine runs on here, and a clone of it runs there.',
  },
];

export class SendDialog {
  readonly #machine: Machine;
  readonly #server: StateServer;
  readonly #unseen: (error: HoldfastError) => void;
  readonly #dialog: OpenDialog;
  readonly #abort = new AbortController();
  #step: Step = { kind: 'begin' };
  #answer: SendAnswer = 'continue';

  /** @param unseen called with an error that needs a decision, after the dialog was closed */
  constructor(machine: Machine, server: StateServer, unseen: (error: HoldfastError) => void) {
    this.#machine = machine;
    this.#server = server;
    this.#unseen = unseen;
    this.#dialog = new OpenDialog({
      title: 'Send to another device',
      startsAtTitle: true,
      content: () => this.#content(),
      buttons: () => this.#buttons(),
      onSubmit: () => this.#submit(),
    });
    void this.#dialog.closed.then(() =>
      this.#abort.abort(new HoldfastError('cancelled', 'The sender cancelled it.')),
    );
    void this.#send();
  }

  async #send(): Promise<void> {
    try {
      const { sendMachine } = await part('send');
      const { link, done } = await sendMachine(this.#machine, {
        relay: this.#server.url,
        page: new URL('./', document.baseURI).href,
        signal: this.#abort.signal,
        confirm: (gone) => this.#ask(gone),
        onProgress: (progress) => {
          if (['accepting', 'connecting', 'sending'].includes(progress.step))
            this.#goTo({ kind: 'work', progress });
        },
      });
      this.#goTo({ kind: 'wait', link });
      this.#goTo({ kind: 'done', report: await done });
    } catch (thrown) {
      const error = await explained(thrown, 'The machine could not be sent');
      if (this.#abort.signal.aborted && error.code === 'migration-unconfirmed') this.#unseen(error);
      // These were decisions of people, and their words say all.
      const isDecided = error.code === 'cancelled' || error.code === 'not-approved';
      const title = isDecided ? '' : `${errorText(error, 'share').title}. `;
      this.#goTo({ kind: 'failed', sentence: title + error.message });
    }
  }

  #ask(gone: AbortSignal): Promise<SendAnswer | false> {
    return new Promise((answer) => {
      gone.addEventListener('abort', () => answer(false), { once: true });
      this.#goTo({ kind: 'ask', answer });
      this.#dialog.find('.primary')?.focus();
    });
  }

  #submit(): void {
    const step = this.#step;
    if (step.kind === 'ask') step.answer(this.#answer);
    if (step.kind !== 'failed') return;
    this.#goTo({ kind: 'begin' });
    void this.#send();
  }

  #content() {
    const step = this.#step;
    switch (step.kind) {
      case 'begin':
        return <p role="status">Making a link…</p>;
      case 'wait':
        return <Waiting link={step.link} />;
      case 'ask':
        return this.#question();
      case 'work':
        return <Moving {...step.progress} />;
      case 'done':
        return <Sent {...step.report} />;
      case 'failed':
        return (
          <p class="bad" role="alert">
            {step.sentence} {this.#whereItIs()}
          </p>
        );
    }
  }

  #question() {
    return (
      <>
        <p role="status">
          <strong>Somebody has opened the link.</strong> Send this machine to them?
        </p>
        <Choices
          name="how"
          legend="How"
          choices={answers}
          chosen={this.#answer}
          choose={(answer) => {
            this.#answer = answer;
          }}
        />
        <p class="fine">
          They get everything in it: its memory with passwords and keys, its disks, its screen.
        </p>
      </>
    );
  }

  #buttons() {
    const { kind } = this.#step;
    const decline = () => {
      if (this.#step.kind === 'ask') this.#step.answer(false);
    };
    return (
      <>
        {kind === 'ask' ? (
          <button type="button" onClick={decline}>
            Do not send
          </button>
        ) : (
          <button type="button" onClick={() => this.#dialog.close()}>
            {kind === 'done' || kind === 'failed' ? 'Close' : 'Cancel'}
          </button>
        )}
        {kind === 'ask' && (
          <button type="submit" class="primary">
            Send
          </button>
        )}
        {kind === 'failed' && (
          <button type="submit" class="primary">
            Make a new link
          </button>
        )}
      </>
    );
  }

  #whereItIs(): string {
    const { status } = this.#machine;
    if (!status || status.destroyed) return '';
    return status.runstate === 'postmigrate'
      ? 'The guest waits here: see Machine → Resume.'
      : 'The guest is still here.';
  }

  #goTo(step: Step): void {
    if (this.#abort.signal.aborted) return;
    this.#step = step;
    this.#dialog.draw();
  }
}

const ownComputer = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/;

function Waiting({ link }: { link: string }) {
  return (
    <>
      <p role="status">
        Open this link on the other device. Before anything is sent, you are asked here.
      </p>
      <CopiedLink key={link} link={link} />
      <QrCode key={`${link} code`} text={link} />
      {ownComputer.test(location.hostname) && (
        <p>
          This site is at {location.hostname}. Only a browser on this computer can open the link.
        </p>
      )}
      <p class="fine">
        Keep this dialog open. The link works once. Who has it can ask for the machine, so send it
        only to whom you mean.
      </p>
    </>
  );
}

function Moving({ step, movedBytes, fraction, isDirect }: SendProgress) {
  const label =
    step === 'accepting'
      ? 'Waiting for the other device to accept'
      : step === 'connecting'
        ? 'Connecting'
        : 'Sending the machine, which still runs here';
  return (
    <div class="share-work">
      <p>{label}</p>
      <progress aria-label={label} {...(fraction !== undefined && { value: fraction })} />
      <p class="fine" role="status">
        {step === 'sending' &&
          `${fraction === undefined ? '' : `${Math.floor(100 * fraction)} % of the memory, `}${formatBytes(movedBytes)} sent, ${isDirect ? 'directly' : 'over the relay'}`}
      </p>
    </div>
  );
}

function Sent({ isClone, isDirect, movedBytes, totalMs, downtimeMs }: SendReport) {
  const way = isDirect ? 'directly' : 'over the relay';
  const stood = downtimeMs === undefined ? '' : ` It stood still for ${Math.round(downtimeMs)} ms.`;
  return (
    <>
      <p role="status">
        {isClone
          ? 'A clone runs on the other device. The machine runs on here.'
          : 'The machine runs on the other device now.'}
      </p>
      <p class="fine">
        {formatBytes(movedBytes)} went {way}, in {(totalMs / 1000).toFixed(1)} s.{stood}
      </p>
    </>
  );
}
