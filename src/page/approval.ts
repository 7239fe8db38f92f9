import { create, element } from './element.ts';
import { inTurn } from './in-turn.ts';

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
  element('approval-ok', HTMLButtonElement).textContent = ok;
  element('approval-cancel', HTMLButtonElement).textContent = cancel;
  element('approval-items', HTMLDListElement).replaceChildren(
    ...items.flatMap(({ what, value, isOurs }) => [
      create('dt', { text: what }),
      isOurs
        ? create('dd', { text: value })
        : // What others chose reads as a value of its own, and turns nothing around it.
          create('dd', {
            children: [create('bdi', { children: [create('code', { text: shown(value) })] })],
          }),
    ]),
  );
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
