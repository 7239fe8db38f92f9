import { type Approval, factNodes } from '../ui/approval.ts';
import { button, create } from '../ui/element.ts';
import { foldedDetail } from './folded-detail.ts';

export interface NoticeAction {
  label: string;
  run(): void;
}

export interface Notice {
  tone: 'error' | 'warning' | 'info';
  title: string;
  text: string;
  /** What others chose, each with what it is: not a part of our sentences. */
  items?: Approval['items'];
  /** The words of the failure itself, for whoever reports it. */
  detail?: string;
  /** Lines for whoever reports it, such as a stack: folded away, and copied by a button. */
  folded?: string;
  actions?: readonly NoticeAction[];
  /** Stays until what it says is over: its actions are nowhere else. */
  lasting?: true;
}

/** The bars above the panes: one for each subject. */
export class Notices {
  readonly #container: HTMLElement;
  readonly #shown = new Map<string, HTMLElement>();

  constructor(container: HTMLElement) {
    this.#container = container;
  }

  /** @param subject a notice of the same subject is replaced */
  show(subject: string, notice: Notice): void {
    const actions = notice.actions ?? [];
    const words = create('div', {
      class: 'notice-words',
      children: [
        create('p', { class: 'notice-title', text: notice.title }),
        create('p', { text: notice.text }),
      ],
    });
    if (notice.items)
      words.append(create('dl', { class: 'facts', children: factNodes(notice.items) }));
    if (notice.detail) words.append(create('p', { class: 'notice-detail', text: notice.detail }));
    if (notice.folded) words.append(foldedDetail(notice.folded));
    const buttons = create('div', {
      class: 'notice-buttons',
      children: actions.map(({ label, run }) =>
        button(label, () => {
          this.remove(subject);
          run();
        }),
      ),
    });
    if (!notice.lasting) {
      const dismiss = button('Dismiss', () => this.remove(subject));
      dismiss.className = 'quiet';
      buttons.append(dismiss);
    }

    const bar = create('div', { class: 'notice', children: [words, buttons] });
    bar.dataset.tone = notice.tone;
    bar.setAttribute('role', notice.tone === 'error' ? 'alert' : 'status');
    this.remove(subject);
    this.#container.append(bar);
    this.#shown.set(subject, bar);
  }

  clear(): void {
    for (const subject of [...this.#shown.keys()]) this.remove(subject);
  }

  remove(subject: string): void {
    this.#shown.get(subject)?.remove();
    this.#shown.delete(subject);
  }
}
