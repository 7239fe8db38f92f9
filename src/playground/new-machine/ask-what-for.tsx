import { OpenDialog } from '../ui/dialog.tsx';

/**
 * Asks for the purpose of an image that was dropped.
 * @returns `insert`, `new` or `cancel`
 */
export function askWhatFor(fileName: string): Promise<string> {
  const dialog = new OpenDialog({
    title: `“${fileName}” was dropped`,
    text: 'Put it into the drive of the machine that runs here, or describe a new machine that has it.',
    buttons: () => (
      <>
        <button type="submit" value="cancel">
          Cancel
        </button>
        <button type="submit" value="new">
          New machine…
        </button>
        <button type="submit" value="insert" class="primary" autofocus>
          Insert in this machine’s drive
        </button>
      </>
    ),
  });
  return dialog.closed;
}
