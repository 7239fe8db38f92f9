import { render } from 'preact';
import { type Fact, Facts } from '../ui/facts.tsx';
import { FoldedDetail } from './folded-detail.tsx';

export interface NoticeAction {
  label: string;
  run(): void;
}

export interface Notice {
  tone: 'error' | 'warning' | 'info';
  title: string;
  text: string;
  /** Foreign values, which are not part of this page's sentences. */
  items?: readonly Fact[];
  /** The message of the failure, for a report. */
  detail?: string;
  /** Lines for a report, such as a stack: folded away, and copied by a button. */
  folded?: string;
  actions?: readonly NoticeAction[];
  /** Stays until it no longer applies: its actions are nowhere else. */
  lasting?: true;
}

/** The bars above the panes: one for each subject, the newest last. */
export class Notices {
  readonly #container: HTMLElement;
  readonly #shown = new Map<string, { key: number; notice: Notice }>();
  #count = 0;

  constructor(container: HTMLElement) {
    this.#container = container;
  }

  /** @param subject a notice of the same subject is replaced */
  show(subject: string, notice: Notice): void {
    this.#shown.delete(subject);
    // A new element each time, so that a screen reader reads the replacement out.
    this.#shown.set(subject, { key: ++this.#count, notice });
    this.#draw();
  }

  clear(): void {
    this.#shown.clear();
    this.#draw();
  }

  remove(subject: string): void {
    if (this.#shown.delete(subject)) this.#draw();
  }

  #draw(): void {
    render(
      [...this.#shown].map(([subject, { key, notice }]) => (
        <NoticeBar key={key} notice={notice} remove={() => this.remove(subject)} />
      )),
      this.#container,
    );
  }
}

function NoticeBar({ notice, remove }: { notice: Notice; remove(): void }) {
  const { tone, title, text, items, detail, folded, actions = [], lasting } = notice;
  return (
    <div class="notice" data-tone={tone} role={tone === 'error' ? 'alert' : 'status'}>
      <div class="notice-words">
        <p class="notice-title">{title}</p>
        <p>{text}</p>
        {items && <Facts items={items} />}
        {detail && <p class="notice-detail">{detail}</p>}
        {folded && <FoldedDetail text={folded} />}
      </div>
      <div class="notice-buttons">
        {actions.map(({ label, run }) => (
          <button
            key={label}
            type="button"
            onClick={() => {
              remove();
              run();
            }}
          >
            {label}
          </button>
        ))}
        {!lasting && (
          <button type="button" class="quiet" onClick={remove}>
            Dismiss
          </button>
        )}
      </div>
    </div>
  );
}
