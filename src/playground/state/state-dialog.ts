/** Asks where a state goes to or comes from, and says what will happen. */

import type { RuntimeBuild } from 'virtual:holdfast-build';
import { type Blocker, blockerSentence } from '../../protocol/cpr.ts';
import { create, element } from '../ui/element.ts';

export type Place = { kind: 'file' } | { kind: 'store'; name: string };

interface StateQuestion {
  title: string;
  /** What will happen, a paragraph each. */
  text: readonly string[];
  /** The label of the button that does it. */
  ok: string;
  /** Whether a place is asked for to write to or to read from. */
  direction: 'save' | 'load';
  /** Why it cannot be done now. */
  blockers?: readonly Blocker[];
  /** Who may take the guest over, the usual one first. */
  runtimes?: readonly RuntimeBuild[];
}

interface StateAnswer {
  place: Place;
  runtime?: RuntimeBuild;
}

const usualName = 'state';

/** Undefined when it was called off. */
export function askForState(question: StateQuestion): Promise<StateAnswer | undefined> {
  const dialog = element('state-dialog', HTMLDialogElement);
  if (dialog.open) return Promise.resolve(undefined);
  const { title, text, ok, direction, blockers = [], runtimes = [] } = question;
  const isBlocked = blockers.length > 0;
  element('state-title', HTMLElement).textContent = title;
  element('state-text', HTMLElement).replaceChildren(
    ...text.map((paragraph) => create('p', { text: paragraph })),
  );
  showBlockers(blockers);
  element('state-place', HTMLFieldSetElement).hidden = isBlocked;
  element('state-place-title', HTMLElement).textContent =
    direction === 'save' ? 'Save to' : 'Load from';
  const okButton = element('state-ok', HTMLButtonElement);
  okButton.textContent = ok;
  okButton.disabled = isBlocked;

  const choice = element('state-runtime', HTMLSelectElement);
  element('state-runtime-row', HTMLElement).hidden = isBlocked || runtimes.length < 2;
  choice.replaceChildren(
    ...runtimes.map(({ id, v86Version }) => {
      const option = create('option', { text: `v86 ${v86Version}` });
      option.value = id;
      return option;
    }),
  );

  return new Promise((resolve) => {
    dialog.returnValue = 'cancel';
    dialog.addEventListener(
      'close',
      () => {
        if (dialog.returnValue !== 'ok') return resolve(undefined);
        const runtime = runtimes.find(({ id }) => id === choice.value);
        resolve({ place: chosenPlace(), ...(runtime && { runtime }) });
      },
      { once: true },
    );
    dialog.showModal();
  });
}

function showBlockers(blockers: readonly Blocker[]): void {
  element('state-blockers', HTMLElement).hidden = blockers.length === 0;
  element('state-blocker-list', HTMLElement).replaceChildren(
    ...blockers.map((blocker) => create('li', { text: blockerSentence(blocker) })),
  );
}

function chosenPlace(): Place {
  if (element('state-to-file', HTMLInputElement).checked) return { kind: 'file' };
  const name = element('state-name', HTMLInputElement).value.trim();
  return { kind: 'store', name: name === '' ? usualName : name };
}
