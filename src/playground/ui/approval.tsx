/** Shows what an address or a state asks for, before any of it is done. */

import { OpenDialog } from './dialog.tsx';
import { type Fact, Facts } from './facts.tsx';
import { inTurn } from './in-turn.ts';

export interface Approval {
  title: string;
  text: string;
  /** Fetches and actions to approve, shown as text. */
  items: readonly Fact[];
  /** Shown above the items. */
  picture?: Blob | undefined;
  /** Label of the button that approves. */
  ok: string;
  /** The label of the other one. Default: `Cancel`. */
  cancel?: string;
  /** Closes the question as if it were cancelled. */
  gone?: AbortSignal;
}

const turn = inTurn();

/** One question at a time, so that an answer cannot count for another question. */
export const askApproval = (approval: Approval): Promise<boolean> => turn(() => show(approval));

async function show({ picture, gone, ...approval }: Approval): Promise<boolean> {
  if (gone?.aborted) return false;
  const { title, text, items, ok, cancel = 'Cancel' } = approval;
  const pictureUrl = picture && URL.createObjectURL(picture);
  const dialog = new OpenDialog({
    title,
    text,
    content: () => (
      <>
        {pictureUrl && (
          <img
            class="state-picture"
            src={pictureUrl}
            alt="The screen of the machine when the state was made"
          />
        )}
        <Facts items={items} />
      </>
    ),
    buttons: () => (
      <>
        <button type="submit" value="cancel">
          {cancel}
        </button>
        <button type="submit" value="ok" class="primary" onClick={refuseDoubleClick}>
          {ok}
        </button>
      </>
    ),
  });
  const close = () => dialog.close();
  gone?.addEventListener('abort', close, { once: true });
  const answer = await dialog.closed;
  gone?.removeEventListener('abort', close);
  if (pictureUrl) URL.revokeObjectURL(pictureUrl);
  return answer === 'ok';
}

/** The second click of a double click was meant for the previous question. */
function refuseDoubleClick(event: MouseEvent): void {
  if (event.detail > 1) event.preventDefault();
}
