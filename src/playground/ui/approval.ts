import { inTurn } from '../in-turn.ts';
import { create, element } from './element.ts';

export interface Approval {
  title: string;
  text: string;
  /**
   * What would be fetched or done, each with what it is. Shown as text, whatever it holds. `isOurs`: the
   * value is our sentence, not what somebody else chose.
   */
  items: readonly { what: string; value: string; isOurs?: boolean }[];
  /** Shown above them. */
  picture?: Blob | undefined;
  /** The label of the button that does it. */
  ok: string;
  /** The label of the other one. Default: `Cancel`. */
  cancel?: string;
}

/** Characters that are not seen, or make others look different from what they are. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** A value with a mark in the place of each character that could deceive. */
export const shown = (value: string): string => value.replaceAll(unseen, '\u{fffd}');

/** Longest name that somebody can give a machine here. */
const nameLength = 80;
/** With those a name would end where it stands in a sentence of ours, and go on as one of its own. */
const quotationMarks = /[\p{Pi}\p{Pf}"„‚]/gu;

/** A title of somebody else's as the name of a machine, which stands in our sentences. */
export const asName = (title: string): string =>
  [...shown(title).replaceAll(quotationMarks, '’')].slice(0, nameLength).join('').trim() ||
  'Machine';

/** Lines of a list: what something is, and its value. */
export const factNodes = (items: Approval['items']): HTMLElement[] =>
  items.flatMap(({ what, value, isOurs }) => [
    create('dt', { text: what }),
    isOurs
      ? create('dd', { text: value })
      : // What others chose reads as a value of its own, and turns nothing around it.
        create('dd', {
          children: [create('bdi', { children: [create('code', { text: shown(value) })] })],
        }),
  ]);

const turn = inTurn();

/**
 * Shows what an address or a state asks for, before any of it is done. One question at a time: an answer
 * is never taken for that to another.
 */
export const askApproval = (approval: Approval): Promise<boolean> => turn(() => show(approval));

function show(approval: Approval): Promise<boolean> {
  const { title, text, items, picture, ok, cancel = 'Cancel' } = approval;
  const dialog = element('approval-dialog', HTMLDialogElement);
  element('approval-title', HTMLElement).textContent = title;
  element('approval-text', HTMLElement).textContent = text;
  const okButton = element('approval-ok', HTMLButtonElement);
  okButton.textContent = ok;
  okButton.onclick = (event) => {
    // The second click of a double click was meant for the question before.
    if (event.detail > 1) event.preventDefault();
  };
  element('approval-cancel', HTMLButtonElement).textContent = cancel;
  element('approval-items', HTMLDListElement).replaceChildren(...factNodes(items));
  const image = element('approval-picture', HTMLImageElement);
  image.hidden = picture === undefined;
  if (picture) image.src = URL.createObjectURL(picture);
  return new Promise((resolve) => {
    dialog.returnValue = 'cancel';
    const closed = () => {
      URL.revokeObjectURL(image.src);
      image.removeAttribute('src');
      resolve(dialog.returnValue === 'ok');
    };
    dialog.addEventListener('close', closed, { once: true });
    dialog.showModal();
  });
}
