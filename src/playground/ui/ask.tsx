/** A question before something that cannot be undone. */
import { OpenDialog } from './dialog.tsx';

export interface Question {
  title: string;
  text: string;
  /** Label of the button that confirms. */
  ok: string;
}

let isOpen = false;

export async function ask({ title, text, ok }: Question): Promise<boolean> {
  if (isOpen) return false;
  isOpen = true;
  const dialog = new OpenDialog({
    title,
    text,
    buttons: () => (
      <>
        <button type="submit" value="cancel">
          Cancel
        </button>
        <button type="submit" value="ok" class="danger">
          {ok}
        </button>
      </>
    ),
  });
  const answer = await dialog.closed;
  isOpen = false;
  return answer === 'ok';
}
