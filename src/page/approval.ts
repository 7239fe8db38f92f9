import { create, element } from './element.ts';

export interface Approval {
  title: string;
  text: string;
  /** What would be fetched or done, each with what it is. Shown as text, whatever it holds. */
  items: readonly { what: string; value: string }[];
  /** The label of the button that does it. */
  ok: string;
  /** The label of the other one. Default: `Cancel`. */
  cancel?: string;
}

/** Shows what an address or a state asks for, before any of it is done. */
export function askApproval(approval: Approval): Promise<boolean> {
  const { title, text, items, ok, cancel = 'Cancel' } = approval;
  const dialog = element('approval-dialog', HTMLDialogElement);
  element('approval-title', HTMLElement).textContent = title;
  element('approval-text', HTMLElement).textContent = text;
  element('approval-ok', HTMLButtonElement).textContent = ok;
  element('approval-cancel', HTMLButtonElement).textContent = cancel;
  element('approval-items', HTMLDListElement).replaceChildren(
    ...items.flatMap(({ what, value }) => [
      create('dt', { text: what }),
      create('dd', { children: [create('code', { text: value })] }),
    ]),
  );
  return new Promise((resolve) => {
    dialog.returnValue = 'cancel';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'ok'), { once: true });
    dialog.showModal();
  });
}
