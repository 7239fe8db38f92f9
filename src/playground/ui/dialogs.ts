import { create, element } from './element.ts';

interface Question {
  title: string;
  text: string;
  /** The label of the button that does it. */
  ok: string;
}

/** Asks before something that cannot be undone. */
export function ask({ title, text, ok }: Question): Promise<boolean> {
  const dialog = element('confirm-dialog', HTMLDialogElement);
  if (dialog.open) return Promise.resolve(false);
  element('confirm-title', HTMLElement).textContent = title;
  element('confirm-text', HTMLElement).textContent = text;
  element('confirm-ok', HTMLButtonElement).textContent = ok;
  return new Promise((resolve) => {
    dialog.returnValue = 'cancel';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'ok'), { once: true });
    dialog.showModal();
  });
}

/** Opens the help dialog, or closes it. */
export function toggleHelp(): void {
  const dialog = element('help-dialog', HTMLDialogElement);
  if (dialog.open) dialog.close();
  else {
    dialog.showModal();
    // The first control is far down, and would scroll the top away.
    element('help-title', HTMLElement).focus();
  }
}

/** A list of terms and what they mean, as the help has them. */
export function fillTerms(
  id: string,
  terms: readonly (readonly [string, string])[],
  as: 'kbd' | 'code',
): void {
  const list = element(id, HTMLDListElement);
  list.replaceChildren(
    ...terms.flatMap(([term, meaning]) => [
      create('dt', { children: keysOf(term, as) }),
      create('dd', { text: meaning }),
    ]),
  );
}

function keysOf(term: string, as: 'kbd' | 'code'): Node[] {
  if (as === 'code') return [create('code', { text: term })];
  return term
    .split('+')
    .flatMap((key, index) => [
      ...(index > 0 ? [document.createTextNode('+')] : []),
      create('kbd', { text: key }),
    ]);
}
